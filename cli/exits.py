"""Exit codes, and which error ends with which."""

from enum import IntEnum
from typing import TYPE_CHECKING

from contract.job_name import BadJobName
from contract.queues import BrokerUnavailable
from contract.settings import BadConfiguration
from contract.store import CredentialsRefused, ObjectDenied, ObjectMissing, StoreError
from producer.planning.hash_file import TemporaryDiskFull
from producer.refusals import (
    AnotherProducer,
    CannotRetry,
    HelperDied,
    JobRefused,
    NoSuchJob,
    NothingChosen,
    OptionsRefused,
)
from producer.sources import BadSource

if TYPE_CHECKING:
    from producer.jobs import JobStatus


class Exit(IntEnum):
    """What a shell sees."""

    OK = 0
    SOME_FAILED = 1
    WRONG_USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


def exit_of(found: "JobStatus") -> Exit:
    """How a command ends that shows this status; OK while the job goes on."""
    if found.progress.state == "unknown":
        return Exit.UNREACHABLE
    failed = found.counts.over and found.counts.outcomes["failed"]
    return Exit.SOME_FAILED if failed else Exit.OK


class WrongUsage(Exception):
    """The command line asks for something that cannot be: correct what the message names."""


_WRONG = (
    WrongUsage,
    BadConfiguration,
    BadJobName,
    BadSource,
    JobRefused,
    OptionsRefused,
    AnotherProducer,
    CannotRetry,
    TemporaryDiskFull,
    NoSuchJob,
    NothingChosen,
    ObjectMissing,
    CredentialsRefused,
    ObjectDenied,
)


def exit_for(error: Exception) -> Exit | None:
    """The exit code of an error that has a name; None for a bug."""
    if isinstance(error, _WRONG):
        return Exit.WRONG_USAGE
    if isinstance(error, (BrokerUnavailable, StoreError, HelperDied)):
        return Exit.UNREACHABLE
    # by name: importing the room `local` here would cost every command its start-up time
    return Exit.UNREACHABLE if type(error).__name__ == "StartFailed" else None
