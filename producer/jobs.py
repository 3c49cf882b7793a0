"""How far jobs have come and why files failed, from the ledger."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import redis

from contract import job_report
from contract.ledger import JobCounts, Ledger, Planner, connect
from contract.queues import queue_of
from contract.settings import Settings
from producer.progress.failure_groups import FailureGroup, group_failures
from producer.progress.measuring import Progress, measure
from producer.progress.repair import reconcile_command, repair_note
from producer.progress.worker_view import WorkerView
from producer.refusals import NoSuchJob


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """A job as `fleet status` shows it."""

    counts: JobCounts
    """What the ledger counted."""
    progress: Progress
    """What follows from it."""
    ready_messages: int
    """Messages that wait in the queue, of all jobs."""
    unacked_messages: int
    """Messages that workers hold, of all jobs."""

    @property
    def waiting(self) -> int | None:
        """Files that have no outcome yet; None when the state is unknown."""
        return self.progress.waiting

    @property
    def note(self) -> str | None:
        """What to do when the state is unknown, in one sentence; else None."""
        return repair_note(self.counts)

    @property
    def workers(self) -> tuple[WorkerView, ...]:
        """Workers of the fleet that were heard of within an hour."""
        return self.progress.workers

    def to_json(self) -> dict[str, Any]:
        """The document of `fleet status --json`; every `..._at` in seconds since the epoch."""
        return {
            **asdict(self.counts),
            **asdict(self.progress),
            "complete": self.counts.complete,
            "note": self.note,
            "ready_messages": self.ready_messages,
            "unacked_messages": self.unacked_messages,
        }


def status(
    job: str, settings: Settings | None = None, gpu_hour_price: float | None = None
) -> JobStatus:
    """How far the job has come.

    Args:
        job: its name.
        settings: by default read from the environment.
        gpu_hour_price: what a device costs per hour, in any currency.

    Raises:
        NoSuchJob: the ledger does not know it.
        BrokerUnavailable: Redis cannot be reached.
    """
    settings = settings or Settings.load()
    ledger = Ledger(connect(settings), settings.key_prefix)
    counts = _counts(ledger, job)
    ready, unacked = ledger.backlog(queue_of(counts.queue) if counts.queue else settings.queue)
    return JobStatus(
        counts=counts,
        progress=measure(
            counts, ledger.minutes(job), ledger.workers(), time.time(), gpu_hour_price
        ),
        ready_messages=ready,
        unacked_messages=unacked,
    )


def list_jobs(settings: Settings | None = None) -> list[JobCounts]:
    """Every job that the ledger knows, the newest first; names without a job are dropped.

    Raises:
        BrokerUnavailable: Redis cannot be reached.
    """
    settings = settings or Settings.load()
    client: redis.Redis = connect(settings)
    ledger = Ledger(client, settings.key_prefix)
    found = {job: ledger.counts(job) for job in ledger.jobs()}
    # the keys of a job expire, its name on the list does not
    Planner(client, settings.key_prefix).forget(job for job, one in found.items() if not one)
    return [one for one in found.values() if one]


def failures(job: str, settings: Settings | None = None) -> tuple[FailureGroup, ...]:
    """Failed files of the job by kind of reason, the most frequent first.

    Raises:
        NoSuchJob: the ledger does not know it.
        BrokerUnavailable: Redis cannot be reached.
    """
    settings = settings or Settings.load()
    ledger = Ledger(connect(settings), settings.key_prefix)
    return group_failures(_counts(ledger, job), ledger.examples(job))


def report(job: str, settings: Settings | None = None) -> dict[str, Any]:
    """The job's report as it stands, the document of `_jobs/<job>/report.json`.

    Raises:
        NoSuchJob: the ledger does not know it.
        BrokerUnavailable: Redis cannot be reached.
    """
    settings = settings or Settings.load()
    ledger = Ledger(connect(settings), settings.key_prefix)
    counts = _counts(ledger, job)
    return job_report.report(counts, ledger.minutes(job), ledger.latency(job), now=time.time())


def _counts(ledger: Ledger, job: str) -> JobCounts:
    counts = ledger.counts(job)
    if counts is None:
        raise NoSuchJob(
            f"there is no job {job!r}; `fleet jobs` lists those that there are. If Redis was "
            f"emptied, rebuild it with `{reconcile_command(job)}`"
        )
    return counts
