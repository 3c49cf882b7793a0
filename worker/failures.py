"""PURE: what can go wrong, in types whose docstring says what to do, and what is done about it."""

from dataclasses import dataclass

from contract.job import MalformedShard
from contract.queues import BrokerUnavailable
from contract.store import ObjectDenied, ObjectMissing, ObjectTooLarge, StoreError
from contract.transcript import ErrorKind


class FileFailure(Exception):
    """One file cannot be transcribed, for good; its neighbours are not touched."""

    kind: ErrorKind = "model_error"


class UndecodableAudio(FileFailure):
    """The bytes are no audio that FFmpeg can read to its end: upload the file again."""

    kind: ErrorKind = "undecodable_audio"


class AudioTooShort(FileFailure):
    """Too little audio for a recogniser to look at: leave such files out of the backlog."""

    kind: ErrorKind = "audio_too_short"


class AudioTooLong(FileFailure):
    """More audio than FLEET_MAX_AUDIO_S or FLEET_MAX_DECODED_MB: raise it, or cut the file."""

    kind: ErrorKind = "audio_too_long"


class OutOfDeviceMemory(FileFailure):
    """The device's memory is too small for this file: lower FLEET_BATCH_SECONDS."""

    kind: ErrorKind = "out_of_memory"


class ModelError(FileFailure):
    """The model failed on this file, or cannot do what was asked of it."""

    kind: ErrorKind = "model_error"


class ModelUnusable(Exception):
    """The model cannot work in this process: read the reason, correct the setting it names."""


class DeviceLost(Exception):
    """The device failed beneath the model; only a new process can use it again."""


class PoisonShard(Exception):
    """A shard was begun too often and never ended: look at its files one by one."""


class OutputUnwritable(Exception):
    """Nothing can be written where the shard wants its results: grant access, or correct it."""


@dataclass(frozen=True)
class Skip:
    """Write the file's error and go on with the next."""

    kind: ErrorKind
    message: str


@dataclass(frozen=True)
class Retry:
    """Put the shard back and try again after some time; what is committed stays."""

    delay_s: float
    message: str


@dataclass(frozen=True)
class PutAside:
    """Put the message aside with its reason."""

    message: str
    kind: ErrorKind = "poison"
    """What its files have failed of, as users read it."""


@dataclass(frozen=True)
class LeaveProcess:
    """End this child, so that a fresh one takes the shard again."""

    message: str


Decision = Skip | Retry | PutAside | LeaveProcess

RETRY_FIRST_S = 2.0
RETRY_LONGEST_S = 300.0
MAX_RETRIES = 30
"""With the delays above, what storage refuses is tried for about two hours."""


def decide(error: Exception, retries: int) -> Decision:
    """What to do about an error.

    Args:
        error: what was raised while a file, or a shard as a whole, was worked on.
        retries: how often the shard was put back before.
    """
    message = str(error) or type(error).__name__
    match error:
        case MalformedShard() | PoisonShard():
            return PutAside(message)
        case OutputUnwritable():
            return PutAside(message, "access_denied")
        case FileFailure(kind=kind):
            return Skip(kind, message)
        case ObjectMissing():
            return Skip("audio_missing", message)
        case ObjectDenied():
            return Skip("access_denied", message)
        case ObjectTooLarge():
            return Skip("audio_too_long", message)
        case StoreError() | OSError():
            return _try_again(message, retries)
        case DeviceLost() | BrokerUnavailable() | MemoryError():
            return LeaveProcess(message)
        case _:
            return Skip("model_error", f"{type(error).__name__}: {message}")


def _try_again(message: str, retries: int) -> Decision:
    if retries >= MAX_RETRIES:
        return PutAside(f"{message} (tried {retries + 1} times)", "audio_missing")
    return Retry(min(RETRY_FIRST_S * 2**retries, RETRY_LONGEST_S), message)
