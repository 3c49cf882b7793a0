"""Exit codes, the exit code of each error, and invalid rows and ignored files on stderr."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from funasr_fleet.cli.interrupts import INTERRUPTED
from funasr_fleet.cli.terminal import warn
from funasr_fleet.contract.layout import BadJobName
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.contract.shown_text import one_line
from funasr_fleet.producer.discovery import BadSource
from funasr_fleet.producer.discovery.ignored import ignored_text
from funasr_fleet.producer.errors import (
    AnotherProducer,
    BadArgument,
    CannotClose,
    CannotRetry,
    HelperDied,
    JobLost,
    JobRefused,
    NoPlan,
    NoSuchJob,
    NothingChosen,
    OptionsRefused,
)
from funasr_fleet.producer.planning.hash_file import TemporaryDiskFull
from funasr_fleet.settings import BadConfiguration
from funasr_fleet.storage.base import CredentialsRefused, ObjectDenied, ObjectMissing, StoreError

if TYPE_CHECKING:
    from funasr_fleet.broker.ledger.values import JobCounts
    from funasr_fleet.producer.jobs.status import JobStatus


class Exit(IntEnum):
    """Exit codes of `fleet`."""

    OK = 0
    SOME_FAILED = 1
    WRONG_USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = INTERRUPTED


def exit_of(found: "JobStatus") -> Exit:
    """The exit code of a command that shows this status; OK while the job is running."""
    return exit_of_counts(found.counts)


def exit_of_counts(counts: "JobCounts") -> Exit:
    """The exit code of a command that shows a job with these counts; see exit_of."""
    from funasr_fleet.producer.progress.measuring import state_of

    if state_of(counts) == "unknown":
        return Exit.UNREACHABLE
    return Exit.SOME_FAILED if counts.over and counts.outcomes["failed"] else Exit.OK


def print_bad_rows(rows: Iterable[str], total: int) -> None:
    """Print these invalid rows to stderr, and the number of further ones."""
    more = total
    for row in rows:
        warn(one_line(row))
        more -= 1
    if more > 0:
        warn(f"and {more:,} more invalid rows")


def print_ignored(by_suffix: Mapping[str, int]) -> None:
    """Print the number of ignored objects and files by suffix to stderr, if there are any."""
    if text := ignored_text(by_suffix):
        warn(text)


class WrongUsage(Exception):
    """The command line is invalid: correct what the message names."""


_WRONG = (
    WrongUsage,
    BadArgument,
    BadConfiguration,
    BadJobName,
    BadSource,
    JobRefused,
    OptionsRefused,
    AnotherProducer,
    CannotClose,
    CannotRetry,
    TemporaryDiskFull,
    NoPlan,
    NothingChosen,
    ObjectMissing,
    CredentialsRefused,
    ObjectDenied,
)


def exit_for(error: Exception) -> Exit | None:
    """The exit code of an expected error; None for a bug."""
    if isinstance(error, _WRONG):
        return Exit.WRONG_USAGE
    # Redis may have lost the job that it does not have
    if isinstance(error, (BrokerUnavailable, StoreError, HelperDied, JobLost, NoSuchJob)):
        return Exit.UNREACHABLE
    # by name: importing the package `embedded` here would slow down the start of every command
    return Exit.UNREACHABLE if type(error).__name__ == "StartFailed" else None
