"""Events of a worker child, as frozen values. Observers count and log them (worker.telemetry)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from funasr_fleet.contract.transcript import ErrorKind, Outcome, PostponeReason, Stage

if TYPE_CHECKING:
    from funasr_fleet.contract.job import Shard


@dataclass(frozen=True, kw_only=True)
class ModelReady:
    """A child has loaded its models and passed the canary."""

    slot: int
    device: str
    """torch's name of the device that holds the model."""
    device_name: str
    device_uuid: str
    seconds: float
    threads: int
    fast_paths: dict[str, bool] = field(default_factory=dict)
    """Name of each fast path -> whether it is used."""


@dataclass(frozen=True, kw_only=True)
class ShardStarted:
    """A child started a shard."""

    shard: str
    job: str | None
    files: int
    queue_wait_s: float | None
    """Time from publishing to this start; None when the message has no publishing time."""
    redelivered: bool
    """Whether an earlier attempt crashed its process."""


@dataclass(frozen=True, kw_only=True)
class FileFinished:
    """A file has an outcome."""

    shard: str
    job: str | None
    audio: str
    index: int | None
    outcome: Outcome
    audio_s: float
    seconds: float
    """Time of all stages from fetch to commit, without waiting for the previous file."""
    stages_s: dict[Stage, float] = field(default_factory=dict)
    threads: int = 0
    """torch's thread count after the file."""
    resident_bytes: int = 0
    """Resident memory of the child after the file."""
    device_bytes: int = 0
    """Device memory of the child after the file; 0 on a CPU."""
    error: str | None = None
    error_kind: ErrorKind | None = None
    fingerprint: str | None = None
    """Fingerprint of the result; None without a result."""
    result_etag: str | None = None
    """ETag of the .json result."""
    is_name_taken: bool = False
    """Whether the file failed because another file of the job has a result with its name."""
    warnings: tuple[str, ...] = ()
    previous_outcome: Outcome | None = None
    """Set for a skipped file whose result was written by an attempt of the same job that crashed
    before it recorded the outcome. This is that outcome; audio_s and warnings also come from that
    attempt."""

    @classmethod
    def of_failure(
        cls, shard: "Shard", audio: str, index: int | None, kind: ErrorKind, message: str
    ) -> Self:
        """The event of a file that failed before it was started."""
        return cls(
            shard=shard.shard,
            job=shard.job,
            audio=audio,
            index=index,
            outcome="failed",
            audio_s=0.0,
            seconds=0.0,
            error=message,
            error_kind=kind,
        )


@dataclass(frozen=True, kw_only=True)
class FilesCancelled:
    """Files of a shard were not started because their job was cancelled."""

    shard: str
    job: str
    files: int


@dataclass(frozen=True, kw_only=True)
class ShardFinished:
    """Every file of a shard has an outcome."""

    shard: str
    job: str | None
    seconds: float
    busy_ratio: float
    """Share of `seconds` in which the models were running."""
    threads_before: int
    threads_after: int
    resident_bytes: int
    peak_resident_bytes: int
    """Peak resident memory of this process since it started."""


@dataclass(frozen=True, kw_only=True)
class ShardDeadLettered:
    """A message was moved to the dead letters."""

    message_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShardRetryScheduled:
    """A shard was republished to be retried after a delay."""

    shard: str
    kind: PostponeReason
    reason: str
    """The error."""
    delay_s: float


@dataclass(frozen=True, kw_only=True)
class ShardSplit:
    """A shard that crashed its worker was split into one message per file."""

    shard: str
    files: int
    last_death: str


@dataclass(frozen=True, kw_only=True)
class ShardLocked:
    """Another process holds the lock of the delivered shard; it was republished with a delay."""

    shard: str
    delay_s: float


@dataclass(frozen=True, kw_only=True)
class ShardRequeued:
    """The worker is shutting down, and the unfinished shard is requeued."""

    shard: str


@dataclass(frozen=True, kw_only=True)
class BatchRecognised:
    """The recogniser processed one batch of clips."""

    seconds: float
    """Speech in the batch, without padding."""
    padding_ratio: float
    """Share of the batch that is padding."""
    budget_s: float
    """Maximum size of the next batch, in seconds including padding."""


@dataclass(frozen=True, kw_only=True)
class InferenceTime:
    """Time for which the models ran since the last such event, for one or several files."""

    seconds: float
    """Concurrent inference is counted once."""


@dataclass(frozen=True, kw_only=True)
class OutOfMemoryBackoff:
    """A batch ran out of device memory and is retried in smaller batches."""

    budget_s: float
    """Maximum size of a batch from now on, in seconds including padding."""


@dataclass(frozen=True, kw_only=True)
class DecoderReplaced:
    """A decoder process crashed or hung and was replaced."""

    reason: str
    """How it ended."""


Event = (
    ModelReady
    | ShardStarted
    | FileFinished
    | FilesCancelled
    | BatchRecognised
    | InferenceTime
    | OutOfMemoryBackoff
    | DecoderReplaced
    | ShardFinished
    | ShardDeadLettered
    | ShardRetryScheduled
    | ShardSplit
    | ShardLocked
    | ShardRequeued
)


class Observer(Protocol):
    """Receives every event; must not raise."""

    def __call__(self, event: Event) -> None:
        """Handle one event."""


def ignore(*_: object, **__: object) -> None:
    """Accept any arguments and do nothing: the default of optional callbacks."""
