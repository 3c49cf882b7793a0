"""What the ledger says, as frozen values."""

from dataclasses import dataclass, field
from typing import get_args

from contract.transcript import ErrorKind, Outcome

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)

PARTS = ("minutes", "latency", "shards", "windows", "reopened")
"""What hangs on a job beside its outcomes and kinds of failure."""

LATENCY_BOUNDS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Upper bounds of the buckets of a file's time from start to commit; one more lies above."""

EXAMPLES_PER_KIND = 5


@dataclass(frozen=True, kw_only=True)
class JobCounts:
    """How far a job has come."""

    job: str
    output: str
    """Prefix of the outputs."""
    created_at: float
    """Seconds since the epoch."""
    published: bool
    """Whether every shard has been published; until then `files` still grows."""
    files: int
    """Files published, and those found done when the job was enqueued."""
    audio_ms: int
    """Audio processed so far."""
    outcomes: dict[Outcome, int]
    kinds: dict[ErrorKind, int] = field(default_factory=dict)
    """Failed files by kind; failures of no known kind are left out."""
    estimated_ms: int = 0
    """Audio of all files that were enqueued, as far as could be told beforehand."""
    work_ms: int = 0
    """Time that worker children spent on its shards, repetitions included."""
    restored_ms: int = 0
    """Part of the audio of which S3 told when the ledger was rebuilt; its work is not known."""
    rounds: int = 0
    """How often files of the job were published again."""
    open_shards: int = 0
    """Shards that have not ended, of those begun and of the parts of a shard that was split."""
    in_flight: int = 0
    """Files of shards that a worker has begun and not ended."""
    cancelled_at: float | None = None
    """Seconds since the epoch."""
    closed_at: float | None = None
    """When its report was written to S3; seconds since the epoch."""
    queue: str = ""
    """Where its messages wait."""
    whole: bool = True
    """Whether Redis holds the plan of the job and every outcome that it counted.

    False for a job that another client sends, which has no plan, and after a loss of keys."""

    @property
    def measured_ms(self) -> int:
        """Audio whose work is in work_ms."""
        return self.audio_ms - self.restored_ms

    @property
    def finished(self) -> int:
        """Files that have an outcome."""
        return sum(self.outcomes.values())

    @property
    def waiting(self) -> int:
        """Files without an outcome, those in flight included; none once the job is cancelled."""
        return 0 if self.cancelled_at else max(0, self.files - self.finished)

    @property
    def cancelled(self) -> int:
        """Files that nobody will begin any more."""
        missing = max(0, self.files - self.finished) if self.cancelled_at else 0
        return self.outcomes["cancelled"] + missing

    @property
    def complete(self) -> bool:
        """Whether no file is waited for any more, of a plan that Redis holds whole."""
        if self.cancelled_at:
            return self.whole and self.over
        return self.whole and self.published and self.finished >= self.files

    @property
    def over(self) -> bool:
        """Whether it is complete, or cancelled with no file in flight."""
        return self.in_flight == 0 if self.cancelled_at else self.complete


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What was finished within one minute."""

    minute: int
    """Minutes since the epoch."""
    files: int = 0
    audio_ms: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class FileDetail:
    """What a worker says of a finished file beside its outcome."""

    shard: str = ""
    seconds: float | None = None
    """From start to commit."""
    kind: ErrorKind | None = None
    relative: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class FailureExample:
    """One file of many that failed for the same kind of reason."""

    kind: ErrorKind
    index: int
    relative: str
    message: str


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """The last that a worker child said of itself."""

    worker: str
    slot: int
    at: float
    """Seconds since the epoch."""
    job: str | None = None
    shard: str | None = None
    """What it works on; None when it ended its last shard."""
    files: int = 0
    """Files finished since it started."""
    audio_ms: int = 0
    """Audio finished since it started."""
    work_ms: int = 0
    """Time spent on shards since it started."""


def latency_bucket(seconds: float) -> int:
    """Position of a file's time among the bounds."""
    return sum(seconds > bound for bound in LATENCY_BOUNDS_S)
