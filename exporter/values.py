"""What a scrape finds, as frozen values."""

from dataclasses import dataclass

from contract.ledger.values import JobCounts
from producer.progress.measuring import Progress


@dataclass(frozen=True, kw_only=True)
class QueueReading:
    """One queue, in all of its lanes."""

    queue: str
    ready: int
    unacked: int
    oldest_s: float
    """0 when nothing waits, or nobody said when it was sent."""


@dataclass(frozen=True, kw_only=True)
class JobReading:
    """One job that is open, or ended lately."""

    counts: JobCounts
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class BrokerReading:
    """Redis itself."""

    used_bytes: int
    limit_bytes: int
    """0 for none."""
    clients: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All of it."""

    queues: tuple[QueueReading, ...]
    jobs: tuple[JobReading, ...]
    """The newest first."""
    dead_letters: int
    broker: BrokerReading | None
    """None when this user may not ask."""
