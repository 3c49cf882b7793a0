"""What happens in a worker child, as frozen values; who counts or prints it is not said here."""

from dataclasses import dataclass, field
from typing import Protocol

from contract.transcript import ErrorKind, Outcome, Stage


@dataclass(frozen=True, kw_only=True)
class ModelReady:
    """A child has loaded its models and passed the canary."""

    slot: int
    device: str
    """Where the model sits, in torch's words."""
    device_name: str
    device_uuid: str
    seconds: float
    threads: int
    fast_paths: dict[str, bool] = field(default_factory=dict)
    """Each fast path by name, and whether it is taken."""


@dataclass(frozen=True, kw_only=True)
class ShardStarted:
    """A shard was taken from the queue."""

    shard: str
    job: str | None
    files: int
    queue_wait_s: float | None
    """From publishing to now; None when the sender did not say when."""
    redelivered: bool
    """Whether a process died with it before."""


@dataclass(frozen=True, kw_only=True)
class FileFinished:
    """A file has its outcome."""

    shard: str
    job: str | None
    audio: str
    index: int | None
    outcome: Outcome
    audio_s: float
    seconds: float
    """All stages from fetching to the commit; waiting for the file before is left out."""
    stages_s: dict[Stage, float] = field(default_factory=dict)
    threads: int = 0
    """torch's threads, as found after the file."""
    resident_bytes: int = 0
    """Memory of the child, as found after the file."""
    device_bytes: int = 0
    """Device memory of the child, as found after the file; 0 on a CPU."""
    error: str | None = None
    error_kind: ErrorKind | None = None
    fingerprint: str | None = None
    """What its result carries; None without one."""
    result_etag: str | None = None
    """ETag of the .json that was written."""
    warnings: tuple[str, ...] = ()
    made_before: Outcome | None = None
    """Of a file that was skipped: how it ended when this very job made its result, with audio_s of
    then; its process died before that was put down."""


@dataclass(frozen=True, kw_only=True)
class FilesCancelled:
    """Files of a shard that are not worked on: their job was cancelled."""

    shard: str
    job: str
    files: int


@dataclass(frozen=True, kw_only=True)
class ShardFinished:
    """Every file of a shard has its outcome."""

    shard: str
    job: str | None
    seconds: float
    busy_ratio: float
    """Share of these in which the models were at work."""
    threads_before: int
    threads_after: int
    resident_bytes: int
    peak_resident_bytes: int
    """The most that this process ever held."""


@dataclass(frozen=True, kw_only=True)
class ShardPutAside:
    """A message went to the dead letters."""

    message_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShardPostponed:
    """A shard goes back to the queue to be tried later."""

    shard: str
    reason: str
    delay_s: float


@dataclass(frozen=True, kw_only=True)
class ShardSplit:
    """A shard took its worker down; each of its files now comes as a message of its own."""

    shard: str
    files: int
    last_death: str


@dataclass(frozen=True, kw_only=True)
class ShardHeldElsewhere:
    """A shard was delivered that another process works on; it comes again later."""

    shard: str
    delay_s: float


@dataclass(frozen=True, kw_only=True)
class ShardHandedBack:
    """The worker ends before the shard does; what is not committed is done by another."""

    shard: str


@dataclass(frozen=True, kw_only=True)
class BatchRecognised:
    """Some clips went through the recogniser together."""

    seconds: float
    """Of speech, without the padding."""
    padding_ratio: float
    """Share of the batch that is padding."""
    budget_s: float
    """Padded seconds that the next batch may have."""


@dataclass(frozen=True, kw_only=True)
class ModelsWorked:
    """The models were at work since the last such event, for one or many files."""

    seconds: float
    """Work on two things at once counts once."""


@dataclass(frozen=True, kw_only=True)
class MemoryRanOut:
    """The device's memory was too small for a batch, which is tried again in smaller ones."""

    budget_s: float
    """Padded seconds that a batch may have from now on."""


Event = (
    ModelReady
    | ShardStarted
    | FileFinished
    | FilesCancelled
    | BatchRecognised
    | ModelsWorked
    | MemoryRanOut
    | ShardFinished
    | ShardPutAside
    | ShardPostponed
    | ShardSplit
    | ShardHeldElsewhere
    | ShardHandedBack
)


class Observer(Protocol):
    """Hears of every event; must not raise."""

    def __call__(self, event: Event) -> None:
        """Take note."""


def nobody(event: Event) -> None:
    """For those whose events nobody wants to hear."""
