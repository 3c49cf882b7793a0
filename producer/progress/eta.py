"""PURE. Throughput of a job, and estimates for the rest of it: audio, ETA and cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from funasr_fleet.broker.ledger.values import MS_PER_HOUR, JobCounts, Minute

RECENT_MINUTES = 5
"""Long enough to average over shards, short enough to show that a worker joined or left."""


_RELIABLE_FILES = 10
"""Minimum number of files finished in the last minutes to use their throughput for the ETA."""


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Finished files and audio per unit of time."""

    audio_hours_per_hour: float
    files_per_s: float
    over_s: float
    """Length of the measured period, in seconds."""


def recent(counts: JobCounts, minutes: Sequence[Minute], now: float) -> Throughput | None:
    """Throughput of the last RECENT_MINUTES full minutes.

    None until a full minute has passed since the first file was started, and if the job was
    complete before these minutes. `now` is in seconds since the epoch.
    """
    end = int(now // 60)
    first = end - RECENT_MINUTES
    start = start_of(counts, minutes)
    if start is None or start > 60 * (end - 1) or ended_at(counts, minutes, now) < 60 * first:
        return None
    chosen = (one for one in minutes if first <= one.minute < end)
    return _over(chosen, 60 * end - max(start, 60 * first))


def since_start(
    counts: JobCounts, minutes: Sequence[Minute], now: float, in_progress_ms: int = 0
) -> Throughput | None:
    """Throughput from the start of the first file until now or the job's end.

    None before any audio is recognised. `in_progress_ms` is the recognised audio of files in
    progress.
    """
    start = start_of(counts, minutes)
    if start is None or not (minutes or in_progress_ms):
        return None
    return _over(minutes, ended_at(counts, minutes, now) - start, in_progress_ms)


def start_of(counts: JobCounts, minutes: Sequence[Minute]) -> float | None:
    """When the first file was started, but not before the job's start; None if no file was.

    A ledger of an earlier release, or one that has been rebuilt, may only have the minute in which
    the first file finished.
    """
    known = [] if counts.begun_at is None else [counts.begun_at]
    known += [60.0 * minutes[0].minute] if minutes else []
    return max(min(known), counts.created_at) if known else None


def ended_at(counts: JobCounts, minutes: Sequence[Minute], now: float) -> float:
    """Time of the last finished file of a settled job, to the minute; `now` for an open job."""
    if not counts.settled:
        return now
    last = 60.0 * (minutes[-1].minute + 1) if minutes else counts.created_at
    return min(now, last, counts.closed_at or now)


def _over(minutes: Iterable[Minute], seconds: float, more_ms: int = 0) -> Throughput:
    files, audio_ms = 0, more_ms
    for one in minutes:
        files, audio_ms = files + one.files, audio_ms + one.audio_ms
    seconds = max(1.0, seconds)  # clock skew between machines could make it negative
    return Throughput(
        audio_hours_per_hour=audio_ms / MS_PER_HOUR / (seconds / 3600),
        files_per_s=files / seconds,
        over_s=seconds,
    )


def remaining_audio_ms(counts: JobCounts, in_progress_ms: int = 0) -> float | None:
    """Audio of the files without an outcome, in ms; None if it cannot be estimated.

    `in_progress_ms` is the recognised audio of files in progress; it is subtracted.

    The estimate is the mean audio of the finished files times the number of waiting files. Before
    any file is finished, the plan's mean is used. The longest files of a window come first, so the
    mean of the finished files is too large early in a small job.
    """
    whole_ms = _waiting_audio_ms(counts)
    return max(1.0, whole_ms - in_progress_ms) if whole_ms else whole_ms


def _waiting_audio_ms(counts: JobCounts) -> float | None:
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
    used only while no audio is finished. The last minutes are used only if enough files finished
    in them: otherwise a file that took longer than these minutes would distort the throughput.
    """
    if counts.complete:
        return 0.0, "no files are waiting"
    if not counts.waiting:
        return None, None
    if now and round(now.files_per_s * now.over_s) < _RELIABLE_FILES:
        now = None
    scope = "" if counts.published else ", for the files planned so far"
    for speed, period in ((now, "of the last 5 minutes"), (since_start, "since the start")):
        if speed and remaining_ms is not None and speed.audio_hours_per_hour:
            hours = remaining_ms / MS_PER_HOUR / speed.audio_hours_per_hour
            return 3600 * hours, f"audio {period}{scope}"
        if speed and speed.files_per_s:
            return counts.waiting / speed.files_per_s, f"files {period}{scope}"
    return None, None


def cost(
    counts: JobCounts,
    remaining_ms: float | None,
    gpu_hour_price: float | None,
    in_progress_ms: int = 0,
) -> tuple[float | None, float | None]:
    """(cost so far, expected total cost), in the currency of the price; (None, None) without one.

    `in_progress_ms` is the recognised audio of files in progress; work_ms includes the work on it.
    """
    if gpu_hour_price is None:
        return None, None
    so_far = gpu_hour_price * counts.work_ms / MS_PER_HOUR
    if remaining_ms == 0:
        return so_far, so_far
    measured_ms = counts.measured_ms + in_progress_ms
    if remaining_ms is None or not counts.work_ms or not measured_ms:
        return so_far, None
    remaining_work_ms = remaining_ms * counts.work_ms / measured_ms
    return so_far, so_far + gpu_hour_price * remaining_work_ms / MS_PER_HOUR
