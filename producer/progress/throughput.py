"""PURE. Throughput in files and audio, from the files finished in each minute."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from funasr_fleet.broker.ledger.values import JobCounts, Minute

RECENT_MINUTES = 5
"""Long enough to average over shards, short enough to show that a worker joined or left."""

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Finished files and audio per unit of time."""

    audio_hours_per_hour: float
    files_per_s: float
    over_s: float
    """Length of the measured period, in seconds."""


def recent(counts: JobCounts, minutes: Sequence[Minute], now: float) -> Throughput | None:
    """Throughput of the last RECENT_MINUTES full minutes.

    None until a full minute has passed since the first finished file.

    Args:
        counts: counts of the job.
        minutes: finished files and audio per minute, in order.
        now: seconds since the epoch.
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
    """Time of the first finished file, to the minute, not before the job's start; None without."""
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
        audio_hours_per_hour=audio_ms / _MS_PER_HOUR / (seconds / 3600),
        files_per_s=files / seconds,
        over_s=seconds,
    )
