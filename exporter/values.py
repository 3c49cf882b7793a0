"""The state of the fleet at one scrape, as frozen values."""

from dataclasses import dataclass

from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.producer.progress.measuring import Progress


@dataclass(frozen=True, kw_only=True)
class QueueReading:
    """One queue, summed over its lanes."""

    queue: str
    ready: int
    unacked: int
    oldest_s: float
    """Age of the oldest ready message in s; 0 when the queue is empty or no age is known."""


@dataclass(frozen=True, kw_only=True)
class JobReading:
    """One job that is open or ended recently."""

    counts: JobCounts
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class BrokerReading:
    """Memory and connections of Redis."""

    used_bytes: int
    limit_bytes: int
    """0 means no limit."""
    clients: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of queues, jobs, dead letters and Redis."""

    queues: tuple[QueueReading, ...]
    jobs: tuple[JobReading, ...]
    """The newest first."""
    dead_letters: int
    broker: BrokerReading | None
    """None when the Redis user has no permission for INFO."""
