"""PURE: typed errors of a worker. The docstring of each type says how to fix the cause.

Decoder processes import this module, so it imports nothing that they do not need.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from funasr_fleet.contract.transcript import ErrorKind


class FileFailure(Exception):
    """One file failed permanently; the other files of the shard are not affected."""

    kind: "ErrorKind" = "model_error"


class UndecodableAudio(FileFailure):
    """FFmpeg cannot decode the file to its end: upload the file again."""

    kind: "ErrorKind" = "undecodable_audio"


class DecoderOutOfMemory(UndecodableAudio):
    """Decoding the file takes more memory than a decoder process may use."""


class AudioTooShort(FileFailure):
    """The audio is too short to recognise: leave such files out of the backlog."""

    kind: "ErrorKind" = "audio_too_short"


class AudioTooLong(FileFailure):
    """The audio exceeds FLEET_MAX_AUDIO_S or FLEET_MAX_DECODED_MB: raise it, or cut the file."""

    kind: "ErrorKind" = "audio_too_long"


class OutOfDeviceMemory(FileFailure):
    """The device ran out of memory on this file: lower FLEET_BATCH_SECONDS."""

    kind: "ErrorKind" = "out_of_memory"


class ModelError(FileFailure):
    """The model failed on this file, or lacks an option: use another model or other options."""

    kind: "ErrorKind" = "model_error"


class OutputNameTaken(ModelError):
    """Another file of the job has the output name: send this one with another `relative`."""


class ModelUnusable(Exception):
    """The model cannot run in this process: correct the setting that the message names."""


class ModelInvalid(ModelUnusable):
    """The files of the model are wrong, so that no process can use it: replace them."""


class DeviceLost(Exception):
    """The device failed; only a new process can use it again."""


class DecoderUnavailable(Exception):
    """No decoder process can be started: see the worker's log for its error."""


class PoisonShard(Exception):
    """A shard crashed its worker on every attempt: examine its files one by one."""


class JobLocked(Exception):
    """Another process is closing the job, or crashed while closing it: closing is retried later."""


class OutputUnwritable(Exception):
    """The shard's output prefix is not writable: grant access, or correct the prefix."""


class OutputRefused(OutputUnwritable):
    """Storage refuses the outputs of one file: send it with another `relative`, or grant access."""


class RequeueShard(Exception):
    """The worker is shutting down: requeue the shard at the head of its queue."""
