"""Job status, job list, failures and report, read from the ledger."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from funasr_fleet.broker import job_report
from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.job_report import FailureGroup, group_failures
from funasr_fleet.broker.ledger import JobCounts, JobWriter, LedgerReader, connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.queues import queue_of
from funasr_fleet.producer.arguments import check_number
from funasr_fleet.producer.errors import JobLost, NoSuchJob
from funasr_fleet.producer.progress.measuring import (
    Progress,
    WorkerView,
    measure,
)
from funasr_fleet.producer.progress.repair import lost_note, reconcile_command, repair_note
from funasr_fleet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """A job as `fleet status` shows it."""

    counts: JobCounts
    """The counts of the ledger."""
    progress: Progress
    """State, throughput, ETA and cost, derived from the counts."""
    ready_messages: int
    """Ready messages in the job's queue, of all jobs."""
    unacked_messages: int
    """Unacknowledged messages of the queue, of all jobs."""
    postponed: Mapping[str, int] = field(default_factory=dict)
    """Number of postponed shards, which workers will retry, by reason."""
    postponed_message: str = ""
    """The last error that postponed a shard; empty if no shard is postponed."""
    unserved_queue: str | None = None
    """The job's queue if messages are ready in it and no ready worker consumes it; else None."""
    dead_letters: int = 0
    """Number of dead letters of the job. Their files may wait until the dead letters are requeued
    or the job is reconciled."""

    @property
    def waiting(self) -> int | None:
        """Files without an outcome; None if the state is unknown."""
        return self.progress.waiting

    @property
    def note(self) -> str | None:
        """How to repair the job, as text; None unless its state is unknown."""
        return repair_note(self.counts)

    @property
    def workers(self) -> tuple[WorkerView, ...]:
        """Workers of the fleet that reported within the last hour."""
        return self.progress.workers

    def to_json(self) -> dict[str, Any]:
        """The document of `fleet status --json`; each `..._at` is in seconds since the epoch."""
        return {
            **asdict(self.counts),
            **asdict(self.progress),
            "complete": self.counts.complete,
            "note": self.note,
            "ready_messages": self.ready_messages,
            "unacked_messages": self.unacked_messages,
            "postponed": dict(self.postponed),
            "postponed_message": self.postponed_message,
            "unserved_queue": self.unserved_queue,
            "dead_letters": self.dead_letters,
        }


def status(
    job: str, settings: Settings | None = None, gpu_hour_price: float | None = None
) -> JobStatus:
    """The progress, throughput, ETA and cost of a job.

    Args:
        job: name of the job.
        settings: read from the environment by default.
        gpu_hour_price: price of one device hour, in any currency.

    Raises:
        BadArgument: the price is negative.
        NoSuchJob: the ledger has no such job.
        BrokerUnavailable: Redis is unavailable.
    """
    check_number("gpu_hour_price", gpu_hour_price, 0)
    settings = settings or Settings.load()
    client = connect(settings)
    ledger = LedgerReader(client, settings.key_prefix)
    counts = counts_of(ledger, job)
    postponed, message = ledger.postponed(job)
    queue, now = queue_of(counts.queue) if counts.queue else settings.queue, time.time()
    ready, unacked = ledger.backlog(queue)
    workers = WorkerRegistry(client, settings.key_prefix).active(now)
    is_served = queue in {served for served, _ in workers}
    return JobStatus(
        counts=counts,
        progress=measure(counts, ledger.minutes(job), ledger.workers(), now, gpu_hour_price),
        ready_messages=ready,
        unacked_messages=unacked,
        postponed=postponed,
        postponed_message=message,
        unserved_queue=queue if ready and not is_served else None,
        dead_letters=DeadLetters(client, settings.key_prefix).count_of(job),
    )


def list_jobs(settings: Settings | None = None) -> list[JobCounts]:
    """All jobs in the ledger, the newest first. Names of expired jobs are removed from the ledger.

    Raises:
        BrokerUnavailable: Redis is unavailable.
    """
    settings = settings or Settings.load()
    client = connect(settings)
    ledger = LedgerReader(client, settings.key_prefix)
    found = {job: ledger.counts(job) for job in ledger.jobs()}
    # the keys of a job expire, but its name stays in the list of jobs
    JobWriter(client, settings.key_prefix).forget(job for job, one in found.items() if not one)
    return [one for one in found.values() if one]


def failures(job: str, settings: Settings | None = None) -> tuple[FailureGroup, ...]:
    """Failed files of the job by error kind, the most frequent kind first.

    Raises:
        NoSuchJob: the ledger has no such job.
        BrokerUnavailable: Redis is unavailable.
    """
    ledger = _open(settings or Settings.load())
    return group_failures(counts_of(ledger, job), ledger.examples(job))


def report(job: str, settings: Settings | None = None) -> dict[str, Any]:
    """The current report of the job, in the format of `_jobs/<job>/report.json`.

    Raises:
        NoSuchJob: the ledger has no such job.
        BrokerUnavailable: Redis is unavailable.
    """
    ledger = _open(settings or Settings.load())
    counts = counts_of(ledger, job)
    return job_report.report(counts, ledger.minutes(job), ledger.latency(job), now=time.time())


def counts_of(ledger: LedgerReader, job: str) -> JobCounts:
    """The job's counters. Raises NoSuchJob and BrokerUnavailable."""
    counts = ledger.counts(job)
    if counts is None:
        raise NoSuchJob(
            f"Redis has no job {job!r}: if the name is misspelt, `fleet jobs` lists the existing "
            f"jobs; if Redis lost its data, rebuild the job with `{reconcile_command(job)}`"
        )
    return counts


def check_whole(ledger: LedgerReader, job: str, output: str) -> None:
    """Check that Redis has the whole plan of a job and every outcome that it counted.

    Args:
        ledger: the ledger of the job.
        job: name of the job.
        output: prefix of its results.

    Raises:
        JobLost: Redis has lost data of the job.
        BrokerUnavailable: Redis is unavailable.
    """
    counts = ledger.counts(job)
    if counts is None or not counts.whole:
        raise JobLost(lost_note(job, output))


def _open(settings: Settings) -> LedgerReader:
    return LedgerReader(connect(settings), settings.key_prefix)
