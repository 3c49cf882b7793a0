"""PURE: a snapshot -> samples, with a limited number of series per job."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

from funasr_fleet.exporter.catalogue import OTHERS
from funasr_fleet.exporter.values import JobReading, Snapshot
from funasr_fleet.metric import Sample
from funasr_fleet.producer.progress.measuring import State

MOST_JOBS = 100
"""Number of jobs with series of their own; the backlog of the others is summed."""


def read(snapshot: Snapshot) -> Iterator[Sample]:
    """All samples of a scrape at which Redis answered.

    A job whose plan Redis does not hold completely has no backlog and no files by state: the
    remaining counts would look like a complete job.
    """
    yield "asr_broker_up", (), 1.0
    yield from _broker(snapshot)
    yield "asr_dead_letters", (), float(snapshot.dead_letters)
    for queue in snapshot.queues:
        yield "asr_backlog_messages", (queue.queue, "ready"), float(queue.ready)
        yield "asr_backlog_messages", (queue.queue, "unacked"), float(queue.unacked)
        yield "asr_backlog_oldest_seconds", (queue.queue,), queue.oldest_s
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
