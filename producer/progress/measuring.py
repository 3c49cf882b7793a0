"""PURE. How far a job is, how fast it goes, when it will end and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contract.ledger.values import JobCounts, Minute, WorkerSeen
from producer.progress.outlook import cost, eta, remaining_audio_ms
from producer.progress.speed import RECENT_MINUTES, Throughput, recent, since_start
from producer.progress.worker_view import WorkerView, view_workers

State = Literal["planning", "running", "complete", "cancelled", "unknown"]

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is, and how it goes on."""

    state: State
    """`planning` until the last shard is published, even if workers are at it; `unknown` when Redis
    does not hold the whole plan, so that nobody can tell how many files there are."""
    done: int
    """Files transcribed, with text."""
    empty: int
    """Files without speech."""
    failed: int
    skipped: int
    """Files that had their result already."""
    cancelled: int
    """Files that nobody will begin any more."""
    waiting: int | None
    """Files without an outcome, those in flight included; None when the state is unknown."""
    in_flight: int
    """Files of shards that workers have begun and not ended."""
    fraction: float | None
    """Files that have an outcome, of all known so far, 0 to 1; cancelled files have none. None when
    the state is unknown."""
    audio_hours: float
    """Audio transcribed."""
    remaining_audio_hours: float | None
    """Audio that waits, estimated; None when nothing is known of it."""
    throughput_now: Throughput | None
    """Of the last 5 whole minutes; None before there is a whole one."""
    throughput_since_start: Throughput | None
    """Since the first file was finished; None before."""
    stalled_s: float | None
    """Seconds without a finished file, when there was none in the last 5 minutes; else None."""
    eta_s: float | None
    """Seconds until nothing waits; None when nothing can be said."""
    eta_basis: str | None
    """What the ETA is made of."""
    device_hours: float
    """Time that workers spent on shards that have ended, repetitions included."""
    audio_hours_per_device_hour: float | None
    """None before the first shard ended."""
    cost_so_far: float | None
    """In the currency of the price of a GPU hour; None without a price."""
    cost_expected: float | None
    """At the end of the job; None without a price, or before anything was measured."""
    workers: tuple[WorkerView, ...]
    """All of the fleet that were heard of within an hour, whatever job they work on."""


def measure(
    counts: JobCounts,
    minutes: Sequence[Minute],
    workers: Sequence[WorkerSeen],
    now: float,
    gpu_hour_price: float | None = None,
) -> Progress:
    """Make a job's progress of what the ledger knows.

    Args:
        counts: how far it has come.
        minutes: what was finished in each minute, in order.
        workers: what workers said of themselves.
        now: seconds since the epoch.
        gpu_hour_price: what a device costs per hour, in any currency.
    """
    remaining_ms = remaining_audio_ms(counts) if counts.whole else None
    speed, speed_since_start = recent(counts, minutes, now), since_start(counts, minutes, now)
    stalled_s = _stalled_s(counts, minutes, now)
    seen = view_workers(workers, now)
    # long files may keep every worker busy for more than 5 minutes; without one, there is no end
    moving = stalled_s is None or any(one.job == counts.job for one in seen)
    is_known = moving and counts.whole
    known = eta(counts, remaining_ms, speed, speed_since_start) if is_known else (None, None)
    so_far, expected = cost(counts, remaining_ms, gpu_hour_price)
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
        audio_hours=counts.audio_ms / _MS_PER_HOUR,
        remaining_audio_hours=None if remaining_ms is None else remaining_ms / _MS_PER_HOUR,
        throughput_now=speed,
        throughput_since_start=speed_since_start,
        stalled_s=stalled_s,
        eta_s=known[0],
        eta_basis=known[1],
        device_hours=counts.work_ms / _MS_PER_HOUR,
        audio_hours_per_device_hour=counts.measured_ms / counts.work_ms if counts.work_ms else None,
        cost_so_far=so_far,
        cost_expected=expected,
        workers=seen,
    )


def state_of(counts: JobCounts) -> State:
    """Where in its life a job is."""
    if counts.cancelled_at:
        return "cancelled"
    if not counts.whole:
        return "unknown"
    if counts.complete:
        return "complete"
    return "running" if counts.published else "planning"


def waiting_of(counts: JobCounts) -> int | None:
    """Files without an outcome; None when the state is unknown."""
    return None if state_of(counts) == "unknown" else counts.waiting


def fraction_of(counts: JobCounts) -> float | None:
    """Files that have an outcome, of all known so far, 0 to 1; cancelled files have none.

    None when the state is unknown.
    """
    if state_of(counts) == "unknown":
        return None
    if not counts.files:
        return 1.0 if counts.complete else 0.0
    return max(0.0, 1.0 - (counts.waiting + counts.cancelled) / counts.files)


def _stalled_s(counts: JobCounts, minutes: Sequence[Minute], now: float) -> float | None:
    """Seconds since something happened to a job that waits; None when that is not long ago."""
    last = 60 * (minutes[-1].minute + 1) if minutes else counts.created_at
    quiet_s = now - last
    return quiet_s if waiting_of(counts) and quiet_s >= 60 * RECENT_MINUTES else None
