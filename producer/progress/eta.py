"""PURE. Throughput of a job, and estimates for the rest of it: audio, ETA and cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from funasr_fleet.broker.ledger.values import MS_PER_HOUR, JobCounts, Minute

RECENT_MINUTES = 5
"""Long enough to average over shards, short enough to show that a worker joined or left."""


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Finished files and audio per unit of time."""

    audio_hours_per_hour: float
    files_per_s: float
    over_s: float
    """Length of the measured period, in seconds."""


def recent(counts: JobCounts, minutes: Sequence[Minute], now: float) -> Throughput | None:
    """Throughput of the last RECENT_MINUTES full minutes.

    None until a full minute has passed since the first finished file, and if the job was complete
    before these minutes. `now` is in seconds since the epoch.
    """
    end = int(now // 60)
    first = end - RECENT_MINUTES
    start = start_of(counts, minutes)
    if start is None or start > 60 * (end - 1) or ended_at(counts, minutes, now) < 60 * first:
        return None
    chosen = (one for one in minutes if first <= one.minute < end)
    return _over(chosen, 60 * end - max(start, 60 * first))


def since_start(counts: JobCounts, minutes: Sequence[Minute], now: float) -> Throughput | None:
    """Throughput from the first finished file until now or the job's end; None before the first."""
    start = start_of(counts, minutes)
    if start is None:
        return None
    return _over(minutes, ended_at(counts, minutes, now) - start)


def start_of(counts: JobCounts, minutes: Sequence[Minute]) -> float | None:
    """When the first file finished, to the minute, but not before the job's start; None if none."""
    return max(60.0 * minutes[0].minute, counts.created_at) if minutes else None


def ended_at(counts: JobCounts, minutes: Sequence[Minute], now: float) -> float:
    """Time of the last finished file of a complete job, to the minute; `now` for a running job."""
    if not counts.complete:
        return now
    last = 60.0 * (minutes[-1].minute + 1) if minutes else counts.created_at
    return min(now, last, counts.closed_at or now)


def _over(minutes: Iterable[Minute], seconds: float) -> Throughput:
    files, audio_ms = 0, 0
    for one in minutes:
        files, audio_ms = files + one.files, audio_ms + one.audio_ms
    seconds = max(1.0, seconds)  # clock skew between machines could make it negative
    return Throughput(
        audio_hours_per_hour=audio_ms / MS_PER_HOUR / (seconds / 3600),
        files_per_s=files / seconds,
        over_s=seconds,
    )


def remaining_audio_ms(counts: JobCounts) -> float | None:
    """Audio of the files without an outcome, in ms; None if it cannot be estimated.

    The estimate is the mean audio of the finished files times the number of waiting files. Before
    any file is finished, the plan's mean is used. The longest files of a window come first, so the
    mean of the finished files is too large early in a small job.
    """
    if not counts.waiting:
        return 0.0
    worked = sum(counts.outcomes[name] for name in ("ok", "empty", "failed"))
    if worked and counts.audio_ms:
        return counts.waiting * counts.audio_ms / worked
    enqueued = counts.files - counts.outcomes["skipped"]
    if counts.estimated_ms and enqueued > 0:
        return counts.waiting * counts.estimated_ms / enqueued
    return None


def eta(
    counts: JobCounts,
    remaining_ms: float | None,
    now: Throughput | None,
    since_start: Throughput | None,
) -> tuple[float | None, str | None]:
    """(seconds until the job is complete, basis of the estimate); (None, None) if unknown.

    Files differ in length, so audio is the better measure of the remaining work. File counts are
    used only while no audio is finished.
    """
    if counts.complete:
        return 0.0, "no files are waiting"
    if not counts.waiting:
        return None, None
    scope = "" if counts.published else ", for the files planned so far"
    for speed, period in ((now, "of the last 5 minutes"), (since_start, "since the start")):
        if speed and remaining_ms is not None and speed.audio_hours_per_hour:
            hours = remaining_ms / MS_PER_HOUR / speed.audio_hours_per_hour
            return 3600 * hours, f"audio {period}{scope}"
        if speed and speed.files_per_s:
            return counts.waiting / speed.files_per_s, f"files {period}{scope}"
    return None, None


def cost(
    counts: JobCounts, remaining_ms: float | None, gpu_hour_price: float | None
) -> tuple[float | None, float | None]:
    """(cost so far, expected total cost), in the currency of the price; (None, None) without one.

    Shards in progress are not included yet.
    """
    if gpu_hour_price is None:
        return None, None
    so_far = gpu_hour_price * counts.work_ms / MS_PER_HOUR
    if remaining_ms == 0:
        return so_far, so_far
    if remaining_ms is None or not counts.work_ms or not counts.measured_ms:
        return so_far, None
    remaining_work_ms = remaining_ms * counts.work_ms / counts.measured_ms
    return so_far, so_far + gpu_hour_price * remaining_work_ms / MS_PER_HOUR
