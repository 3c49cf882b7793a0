"""PURE: every metric, and the samples of a snapshot of the fleet.

Names and units are the public interface. The number of series per job is limited.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.metric import Sample, gauge
from funasr_fleet.producer.progress.measuring import Progress, State

CATALOGUE = (
    gauge(
        "asr_backlog_messages",
        "Messages of a queue in all of its lanes, ready or unacked (held by workers).",
        "queue",
        "state",
    ),
    gauge("asr_backlog_oldest_seconds", "Age of the oldest ready message of a queue.", "queue"),
    gauge("asr_queue_served", "1 when a ready worker consumes the queue, else 0.", "queue"),
    gauge("asr_backlog_files", "Files of a job without an outcome.", "job"),
    gauge("asr_backlog_audio_seconds", "Remaining audio of a job, estimated.", "job"),
    gauge("asr_dead_letters", "Dead letters: messages that failed permanently."),
    gauge(
        "asr_jobs",
        "Jobs by state; for unknown ones, `fleet status` names the command to run.",
        "state",
    ),
    gauge(
        "asr_job_files",
        "Files of a job by outcome, in flight or waiting; absent while their number is unknown.",
        "job",
        "state",
    ),
    gauge("asr_job_failures", "Failed files of a job by kind of error.", "job", "kind"),
    gauge("asr_job_audio_seconds", "Audio of a job processed so far.", "job"),
    gauge("asr_job_eta_seconds", "Estimated time until a job is finished, if known.", "job"),
    gauge("asr_broker_up", "1 when Redis answered at this scrape, else 0."),
    gauge("asr_broker_memory_bytes", "Memory used by Redis, and its limit if it has one.", "kind"),
    gauge("asr_broker_clients", "Connections to Redis."),
)

OTHERS = "(others)"
"""Job label for the sum over all jobs that have no series of their own."""


@dataclass(frozen=True, kw_only=True)
class QueueReading:
    """One queue, summed over its lanes."""

    queue: str
    ready: int
    unacked: int
    oldest_s: float
    """Age of the oldest ready message in s; 0 when the queue is empty or no age is known."""
    is_served: bool = False
    """Whether a ready worker consumes it."""


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


MOST_JOBS = 100
"""Number of jobs with series of their own; the backlog of the others is summed."""


def read(snapshot: Snapshot) -> Iterator[Sample]:
    """All samples of a scrape at which Redis answered.

    A job whose plan Redis does not hold completely has no backlog and no files by state: the
    counts that are left could look like those of a complete job.
    """
    yield "asr_broker_up", (), 1.0
    yield from _broker(snapshot)
    yield "asr_dead_letters", (), float(snapshot.dead_letters)
    for queue in snapshot.queues:
        yield "asr_backlog_messages", (queue.queue, "ready"), float(queue.ready)
        yield "asr_backlog_messages", (queue.queue, "unacked"), float(queue.unacked)
        yield "asr_backlog_oldest_seconds", (queue.queue,), queue.oldest_s
        yield "asr_queue_served", (queue.queue,), float(queue.is_served)
    states = Counter(job.progress.state for job in snapshot.jobs)
    for state in get_args(State):
        yield "asr_jobs", (state,), float(states[state])
    jobs = sorted(snapshot.jobs, key=_rank)
    for job in jobs[:MOST_JOBS]:
        yield from _job(job)
    if others := jobs[MOST_JOBS:]:
        yield from _others(others)


def _rank(job: JobReading) -> tuple[bool, int]:
    """Sort key: open jobs before ended ones, the largest open job first.

    The order uses a job's total files, not its waiting files, so that series do not appear and
    disappear between scrapes.
    """
    ended = job.counts.over
    return ended, 0 if ended else -job.counts.files


def _broker(snapshot: Snapshot) -> Iterator[Sample]:
    broker = snapshot.broker
    if broker:
        yield "asr_broker_memory_bytes", ("used",), float(broker.used_bytes)
        if broker.limit_bytes:
            yield "asr_broker_memory_bytes", ("limit",), float(broker.limit_bytes)
        yield "asr_broker_clients", (), float(broker.clients)


def _job(job: JobReading) -> Iterator[Sample]:
    name, counts, progress = (job.counts.job,), job.counts, job.progress
    yield "asr_job_audio_seconds", name, counts.audio_ms / 1000
    if progress.waiting is not None:
        yield "asr_backlog_files", name, float(progress.waiting)
        yield "asr_backlog_audio_seconds", name, _waiting_s(job)
        for state, files in _states(job, progress.waiting).items():
            yield "asr_job_files", (*name, state), float(files)
    if progress.eta_s is not None:
        yield "asr_job_eta_seconds", name, progress.eta_s
    for kind, files in counts.kinds.items():
        yield "asr_job_failures", (*name, kind), float(files)


def _states(job: JobReading, waiting: int) -> dict[str, int]:
    """Files of the job by state; each file is in exactly one state."""
    counts, progress = job.counts, job.progress
    # a redelivered shard contains files that already have an outcome
    in_flight = min(counts.in_flight, max(0, counts.files - counts.finished))
    # a cancelled job has no waiting files; its files in flight are counted as cancelled
    cancelled_in_flight = in_flight if counts.cancelled_at else 0
    return {
        "done": progress.done,
        "empty": progress.empty,
        "failed": progress.failed,
        "skipped": progress.skipped,
        "cancelled": progress.cancelled - cancelled_in_flight,
        "in_flight": in_flight,
        "waiting": max(0, waiting - in_flight),
    }


def _others(jobs: Sequence[JobReading]) -> Iterator[Sample]:
    yield "asr_backlog_files", (OTHERS,), float(sum(job.progress.waiting or 0 for job in jobs))
    yield "asr_backlog_audio_seconds", (OTHERS,), sum(map(_waiting_s, jobs))


def _waiting_s(job: JobReading) -> float:
    """Remaining audio in seconds; 0 before a job's first window is planned."""
    return 3600 * (job.progress.remaining_audio_hours or 0.0)
