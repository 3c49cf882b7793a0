"""PURE: decide(), which maps an error to the action that a worker takes."""

import errno
from dataclasses import dataclass

from funasr_fleet.contract.job import MalformedShard
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.contract.transcript import ErrorKind, PostponeReason
from funasr_fleet.storage.base import (
    CredentialsRefused,
    ObjectDenied,
    ObjectIncomplete,
    ObjectMissing,
    ObjectTooLarge,
    StoreError,
)
from funasr_fleet.worker.errors import (
    DecoderUnavailable,
    DeviceLost,
    FileFailure,
    JobLocked,
    OutputRefused,
    OutputUnwritable,
    PoisonShard,
)


@dataclass(frozen=True)
class Skip:
    """Write the file's .error.json and continue with the next file."""

    kind: ErrorKind
    message: str


@dataclass(frozen=True)
class Retry:
    """Republish the shard with a delay; results already written are kept."""

    delay_s: float
    message: str
    reason: PostponeReason


@dataclass(frozen=True)
class SendToDeadLetters:
    """Move the message to the dead letters, with its reason."""

    message: str
    kind: ErrorKind = "poison"
    """Error kind of its files, as users see it."""
    is_last_retry: bool = False
    """Whether storage, the local disk or a job's lock failed in every retry of the shard."""


@dataclass(frozen=True)
class RestartChild:
    """Exit this child; the shard is redelivered to a new one."""

    message: str


Decision = Skip | Retry | SendToDeadLetters | RestartChild

RETRY_FIRST_S = 2.0
RETRY_LONGEST_S = 300.0
MAX_RETRIES = 30
"""With the delays above, storage errors are retried for about two hours."""


def decide(error: Exception, retries: int) -> Decision:
    """Map an error to the action to take.

    Args:
        error: raised while a file, or the shard as a whole, was processed.
        retries: how often the shard has been retried before.
    """
    message = str(error) or type(error).__name__
    match error:
        case MalformedShard() | PoisonShard():
            return SendToDeadLetters(message)
        case OutputRefused():
            return Skip("access_denied", message)
        case OutputUnwritable():
            return SendToDeadLetters(message, "access_denied")
        case FileFailure(kind=kind):
            return Skip(kind, message)
        case ObjectMissing():
            return Skip("audio_missing", message)
        case ObjectDenied():
            return Skip("access_denied", message)
        case ObjectTooLarge():
            return Skip("audio_too_long", message)
        case StoreError() | OSError() | JobLocked():
            return _retry(message, retries, postpone_reason(error))
        case DeviceLost() | DecoderUnavailable() | BrokerUnavailable() | MemoryError():
            return RestartChild(message)
        case _:
            return Skip("model_error", f"{type(error).__name__}: {message}")


def postpone_reason(error: Exception) -> PostponeReason:
    """Why a shard is postponed by this error of storage, the local disk or a job's lock."""
    match error:
        case JobLocked():
            return "job_locked"
        case CredentialsRefused():
            return "credentials_refused"
        case ObjectIncomplete():
            return "truncated_audio"
        case StoreError():
            return "storage_unavailable"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return "disk_full"
        case _:
            return "local_error"


def _retry(message: str, retries: int, reason: PostponeReason) -> Decision:
    if retries >= MAX_RETRIES:
        message = f"{message} (tried {retries + 1} times)"
        return SendToDeadLetters(message, _kind_of(reason), is_last_retry=True)
    return Retry(min(RETRY_FIRST_S * 2**retries, RETRY_LONGEST_S), message, reason)


def _kind_of(reason: PostponeReason) -> ErrorKind:
    match reason:
        case "credentials_refused":
            return "access_denied"
        case "storage_unavailable" | "truncated_audio":
            return "audio_missing"
        case "disk_full" | "local_error" | "job_locked":
            return "model_error"
