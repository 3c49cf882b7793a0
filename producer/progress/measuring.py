"""PURE. State and progress of a job and its workers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from funasr_fleet.broker.ledger.values import MS_PER_HOUR, JobCounts, Minute
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.producer.progress.eta import (
    RECENT_MINUTES,
    Throughput,
    cost,
    eta,
    recent,
    remaining_audio_ms,
    since_start,
)

OFFLINE_AFTER_S = 3600
"""Workers without a report for this long are not shown."""


@dataclass(frozen=True, kw_only=True)
class WorkerView:
    """One worker child."""

    worker: str
    slot: int
    heard_s_ago: float
    """Seconds since its last report; it reports every second while it processes a shard."""
    job: str | None
    """Job of its current shard; None while idle."""
    shard: str | None
    files: int
    """Files finished since it started."""
    audio_hours: float
    rtfx: float | None
    """Audio seconds per second of work; None before its first work."""


def view_workers(workers: Iterable[WorkerSeen], now: float) -> tuple[WorkerView, ...]:
    """The workers that reported within OFFLINE_AFTER_S, sorted by name and slot."""
    shown = (one for one in workers if now - one.at <= OFFLINE_AFTER_S)
    return tuple(_view(one, now) for one in sorted(shown, key=lambda one: (one.worker, one.slot)))


def _view(seen: WorkerSeen, now: float) -> WorkerView:
    return WorkerView(
        worker=seen.worker,
        slot=seen.slot,
        heard_s_ago=max(0.0, now - seen.at),
        job=seen.job,
        shard=seen.shard,
        files=seen.files,
        audio_hours=seen.audio_ms / MS_PER_HOUR,
        rtfx=(seen.audio_ms + seen.in_progress_ms) / seen.work_ms if seen.work_ms else None,
    )


IN_PROGRESS_AGE_S = 30.0
"""Maximum age of a report for its files in progress to count; a worker reports every second."""


def in_progress_ms(job: str, workers: Iterable[WorkerSeen], now: float) -> int:
    """Recognised audio of the job's files in progress, in ms, by the last report of each shard."""
    by_age = sorted(workers, key=lambda one: one.at)
    last = {one.shard: one for one in by_age if one.job == job}
    return sum(one.in_progress_ms for one in last.values() if now - one.at <= IN_PROGRESS_AGE_S)


State = Literal["planning", "running", "complete", "cancelled", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """State, counts, throughput, ETA and cost of a job."""

    state: State
    """`planning` until the last shard is published, even if workers have started. `unknown` if the
    plan in Redis is incomplete, so that the number of files is not known."""
    done: int
    """Files transcribed, with text."""
    empty: int
    """Files without speech."""
    failed: int
    skipped: int
    """Files that already had an up-to-date result."""
    cancelled: int
    """Files of a cancelled job that will not be started."""
    waiting: int | None
    """Files without an outcome, including those in flight; None if their number is unknown."""
    in_flight: int
    """Files of shards that workers have started and not finished."""
    fraction: float | None
    """Share of the known files that have an outcome, 0 to 1; cancelled files have none. None if
    the number of files is unknown: Redis has lost data of the job, or a shard of a job of another
    client has not ended although every declared file has an outcome."""
    audio_hours: float
    """Audio of finished files."""
    in_progress_audio_hours: float
    """Recognised audio of files in progress; not in audio_hours."""
    remaining_audio_hours: float | None
    """Estimated audio of the waiting files that is not recognised yet; None if it cannot be
    estimated."""
    throughput_now: Throughput | None
    """Throughput of the last 5 full minutes; None before the first full minute, and for a job that
    was complete before them."""
    throughput_since_start: Throughput | None
    """Throughput since the first file was started, including files in progress; None before any
    audio is recognised."""
    stalled_s: float | None
    """Seconds without a finished file, if at least 5 minutes; else None."""
    eta_s: float | None
    """Estimated seconds until the job is complete; None if unknown."""
    eta_basis: str | None
    """What the ETA is based on."""
    device_hours: float
    """Time that workers spent on shards, including repeated ones."""
    audio_hours_per_device_hour: float | None
    """RTFx; None before a worker has worked on the job."""
    cost_so_far: float | None
    """In the currency of the GPU hour price; None without a price."""
    cost_expected: float | None
    """Expected total cost; None without a price, or before anything is measured."""
    workers: tuple[WorkerView, ...]
    """All workers of the fleet that reported within the last hour, whatever their job."""


def measure(
    counts: JobCounts,
    minutes: Sequence[Minute],
    workers: Sequence[WorkerSeen],
    now: float,
    gpu_hour_price: float | None = None,
) -> Progress:
    """Compute a job's progress from its ledger.

    Args:
        counts: counts of the job.
        minutes: finished files and audio per minute, in order.
        workers: reports of the workers.
        now: seconds since the epoch.
        gpu_hour_price: price of one device hour, in any currency.
    """
    begun_ms = in_progress_ms(counts.job, workers, now)
    remaining_ms = remaining_audio_ms(counts, begun_ms) if counts.whole else None
    speed = recent(counts, minutes, now)
    speed_since_start = since_start(counts, minutes, now, begun_ms)
    stalled_s = _stalled_s(counts, minutes, now)
    seen = view_workers(workers, now)
    # long files may keep all workers busy for more than 5 minutes; without a worker, no ETA
    moving = stalled_s is None or any(one.job == counts.job for one in seen)
    is_known = moving and counts.whole
    known = eta(counts, remaining_ms, speed, speed_since_start) if is_known else (None, None)
    so_far, expected = cost(counts, remaining_ms, gpu_hour_price, begun_ms)
    return Progress(
        state=state_of(counts),
        done=counts.outcomes["ok"],
        empty=counts.outcomes["empty"],
        failed=counts.outcomes["failed"],
        skipped=counts.outcomes["skipped"],
        cancelled=counts.cancelled,
        waiting=waiting_of(counts),
        in_flight=counts.in_flight,
        fraction=fraction_of(counts),
        audio_hours=counts.audio_ms / MS_PER_HOUR,
        in_progress_audio_hours=begun_ms / MS_PER_HOUR,
        remaining_audio_hours=None if remaining_ms is None else remaining_ms / MS_PER_HOUR,
        throughput_now=speed,
        throughput_since_start=speed_since_start,
        stalled_s=stalled_s,
        eta_s=known[0],
        eta_basis=known[1],
        device_hours=counts.work_ms / MS_PER_HOUR,
        audio_hours_per_device_hour=(
            (counts.measured_ms + begun_ms) / counts.work_ms if counts.work_ms else None
        ),
        cost_so_far=so_far,
        cost_expected=expected,
        workers=seen,
    )


def state_of(counts: JobCounts) -> State:
    """The state of a job."""
    if counts.cancelled_at:
        return "cancelled"
    if not counts.whole:
        return "unknown"
    if counts.settled:
        return "cancelled" if counts.cancelled else "complete"
    return "running" if counts.published else "planning"


def waiting_of(counts: JobCounts) -> int | None:
    """Files without an outcome; None if the number of files is unknown."""
    is_unknown = state_of(counts) == "unknown" or _may_have_more_files(counts)
    return None if is_unknown else counts.waiting


def _may_have_more_files(counts: JobCounts) -> bool:
    """Whether every declared file has an outcome, but a shard of the job has not ended."""
    if counts.cancelled_at or not (counts.declared and counts.open_shards):
        return False
    return counts.finished >= counts.files


def fraction_of(counts: JobCounts) -> float | None:
    """Share of the known files that have an outcome, 0 to 1; cancelled files have none.

    None if the number of files is unknown.
    """
    if not counts.whole or _may_have_more_files(counts):
        return None
    if not counts.files:
        return 1.0 if counts.complete else 0.0
    return max(0.0, 1.0 - (counts.waiting + counts.cancelled) / counts.files)


def _stalled_s(counts: JobCounts, minutes: Sequence[Minute], now: float) -> float | None:
    """Seconds since the last finished file of an open job; None if below 5 minutes."""
    last = 60 * (minutes[-1].minute + 1) if minutes else counts.created_at
    idle_s = now - last
    return idle_s if waiting_of(counts) and idle_s >= 60 * RECENT_MINUTES else None
