"""How far a job has come, from the ledger."""

from dataclasses import asdict, dataclass
from typing import Any

from contract.ledger import JobCounts, Ledger, connect
from contract.settings import Settings


class NoSuchJob(Exception):
    """The ledger knows no such job: `fleet jobs` lists those that it knows."""


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """A job as `fleet status` shows it."""

    counts: JobCounts
    ready_messages: int
    """Messages that wait in the queue, of all jobs."""
    unacked_messages: int
    """Messages that workers hold, of all jobs."""

    @property
    def waiting(self) -> int:
        """Files that have no outcome yet."""
        return max(0, self.counts.files - self.counts.finished)

    def to_json(self) -> dict[str, Any]:
        """The document of `fleet status --json`."""
        return {
            **asdict(self.counts),
            "waiting": self.waiting,
            "complete": self.counts.complete,
            "ready_messages": self.ready_messages,
            "unacked_messages": self.unacked_messages,
        }


def status(job: str, settings: Settings | None = None) -> JobStatus:
    """How far the job has come.

    Raises:
        NoSuchJob: the ledger does not know it.
        BrokerUnavailable: Redis cannot be reached.
    """
    settings = settings or Settings.load()
    ledger = Ledger(connect(settings), settings.key_prefix)
    counts = ledger.counts(job)
    if counts is None:
        raise NoSuchJob(f"there is no job {job!r}; `fleet jobs` lists those that there are")
    ready, unacked = ledger.backlog(settings.queue)
    return JobStatus(counts=counts, ready_messages=ready, unacked_messages=unacked)


def list_jobs(settings: Settings | None = None) -> list[JobCounts]:
    """Every job that the ledger knows, the newest first.

    Raises:
        BrokerUnavailable: Redis cannot be reached.
    """
    settings = settings or Settings.load()
    ledger = Ledger(connect(settings), settings.key_prefix)
    counts = (ledger.counts(job) for job in ledger.jobs())
    return [one for one in counts if one]
