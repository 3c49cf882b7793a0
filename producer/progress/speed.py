"""PURE. Files and audio per time, from what was finished in each minute."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.ledger.values import JobCounts, Minute

RECENT_MINUTES = 5
"""Long enough to level out shards, short enough to notice a worker that came or went."""

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """How fast files are finished."""

    audio_hours_per_hour: float
    files_per_s: float
    over_s: float
    """Length of the time that was looked at."""


def recent(counts: JobCounts, minutes: Sequence[Minute], now: float) -> Throughput | None:
    """Of the last whole minutes; None before there is a whole one since the first finished file.

    Args:
        counts: the job.
        minutes: what was finished in each minute, in order.
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
    """From the first finished file to now, or to the job's end; None before there is one."""
    start = start_of(counts, minutes)
    if start is None:
        return None
    return _over(minutes, ended_at(counts, minutes, now) - start)


def start_of(counts: JobCounts, minutes: Sequence[Minute]) -> float | None:
    """When the first file was finished, to the minute but not before the job; None without one."""
    return max(60.0 * minutes[0].minute, counts.created_at) if minutes else None


def ended_at(counts: JobCounts, minutes: Sequence[Minute], now: float) -> float:
    """When the last file of a complete job was finished, to the minute; now while it runs."""
    if not counts.complete:
        return now
    last = 60.0 * (minutes[-1].minute + 1) if minutes else counts.created_at
    return min(now, last, counts.closed_at or now)


def _over(minutes: Iterable[Minute], seconds: float) -> Throughput:
    files, audio_ms = 0, 0
    for one in minutes:
        files, audio_ms = files + one.files, audio_ms + one.audio_ms
    seconds = max(1.0, seconds)  # clocks of two machines differ
    return Throughput(
        audio_hours_per_hour=audio_ms / _MS_PER_HOUR / (seconds / 3600),
        files_per_s=files / seconds,
        over_s=seconds,
    )
