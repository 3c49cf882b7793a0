"""PURE: the summary of a job, `<output>_jobs/<job>/report.json`, and its failures by kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from funasr_fleet.broker.ledger.file_warnings import WarningExample
from funasr_fleet.broker.ledger.latency import LATENCY_BOUNDS_S
from funasr_fleet.broker.ledger.values import (
    MS_PER_HOUR,
    FailureExample,
    JobCounts,
    Minute,
)

UNKNOWN = "unknown"
"""Kind of failures recorded without a kind, for example by another client."""


def report(
    counts: JobCounts,
    minutes: Sequence[Minute],
    latency: Mapping[int, int],
    *,
    now: float | None = None,
) -> dict[str, Any]:
    """The report of a job, complete or not.

    Args:
        counts: the job's counters.
        minutes: files finished in each minute, in order.
        latency: files by bucket of their time from start to commit; see LATENCY_BOUNDS_S.
        now: seconds since the epoch; without it, the end is accurate only to the minute.
    """
    end = _end(counts, minutes, now)
    begin = _begin(counts, minutes)
    wall_s = max(0.0, end - begin)
    return {
        "schema": 1,
        "job": counts.job,
        "output": counts.output,
        "created_at": _iso(begin),
        "finished_at": _iso(end) if counts.settled else None,
        "cancelled_at": None if counts.cancelled_at is None else _iso(counts.cancelled_at),
        "files": counts.files,
        "whole": counts.whole,
        "outcomes": {**counts.outcomes, "cancelled": counts.cancelled},
        "failures": failed_by_kind(counts),
        "warnings": counts.warnings,
        "audio_hours": _hours(counts.audio_ms),
        "device_hours": _hours(counts.work_ms),
        "rtfx": round(counts.measured_ms / counts.work_ms, 2) if counts.work_ms else None,
        "wall_s": round(wall_s, 3),
        "audio_hours_per_hour": round(counts.audio_ms / 1000 / wall_s, 3) if wall_s else None,
        "latency_s": _latency(latency),
        "throughput": [
            {
                "at": _iso(60 * one.minute),
                "files": one.files,
                "audio_hours": _hours(one.audio_ms),
                "failed": one.failed,
            }
            for one in minutes
        ],
    }


def failed_by_kind(counts: JobCounts) -> dict[str, int]:
    """Failed files by kind, the most frequent first; those without a kind as `unknown`."""
    unknown = counts.outcomes["failed"] - sum(counts.kinds.values())
    kinds = [(str(kind), number) for kind, number in counts.kinds.items()]
    if unknown > 0:
        kinds.append((UNKNOWN, unknown))
    return dict(sorted(kinds, key=lambda one: (-one[1], one[0])))


def quantile(latency: Mapping[int, int], share: float) -> float | None:
    """Seconds within which that share of the files was finished; None without files.

    Interpolates as Prometheus' histogram_quantile: linearly within a bucket, and the last bound
    for anything above it.
    """
    rank = share * sum(latency.values())
    below = 0
    for bucket, files in sorted(latency.items()):
        if files and below + files >= rank:
            if bucket >= len(LATENCY_BOUNDS_S):
                return LATENCY_BOUNDS_S[-1]
            low = LATENCY_BOUNDS_S[bucket - 1] if bucket else 0.0
            return low + (LATENCY_BOUNDS_S[bucket] - low) * (rank - below) / files
        below += files
    return None


def _latency(latency: Mapping[int, int]) -> dict[str, Any]:
    """Quantiles and buckets. Buckets are not cumulative; the last has no upper bound (null)."""
    bounds = (*LATENCY_BOUNDS_S, None)
    return {
        **{f"p{share}": _rounded(quantile(latency, share / 100)) for share in (50, 90, 99)},
        "buckets": [
            {"le": bound, "files": latency.get(bucket, 0)} for bucket, bound in enumerate(bounds)
        ],
    }


def _begin(counts: JobCounts, minutes: Sequence[Minute]) -> float:
    """Start of the job, in seconds since the epoch.

    If no producer opened the job, it is the minute in which the first file finished.
    """
    return counts.created_at or (60.0 * minutes[0].minute if minutes else 0.0)


def _end(counts: JobCounts, minutes: Sequence[Minute], now: float | None) -> float:
    """End of the complete job, or of the time covered so far, in seconds since the epoch."""
    last = max(
        counts.created_at,
        counts.cancelled_at or 0.0,
        60.0 * (minutes[-1].minute + 1) if minutes else 0.0,
    )
    if counts.closed_at is not None:
        return counts.closed_at
    if counts.settled:
        return last if now is None else min(now, last)
    return last if now is None else now


def _hours(milliseconds: int) -> float:
    return round(milliseconds / MS_PER_HOUR, 5)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _iso(seconds: float) -> str:
    """UTC to the second, the format of all documents."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Failed files with the same error kind."""

    kind: str
    """An ErrorKind, or `unknown`."""
    count: int
    """Number of files."""
    examples: tuple[FailureExample, ...]
    """Some of the files."""


def group_failures(
    counts: JobCounts, examples: Iterable[FailureExample]
) -> tuple[FailureGroup, ...]:
    """One group per error kind, the most frequent kind first."""
    some = tuple(examples)
    return tuple(
        FailureGroup(
            kind=kind, count=count, examples=tuple(one for one in some if one.kind == kind)
        )
        for kind, count in failed_by_kind(counts).items()
    )


@dataclass(frozen=True, kw_only=True)
class WarningGroup:
    """Transcribed files with the same kind of warning."""

    kind: str
    """A WarningKind, or `unknown`."""
    count: int
    """Number of files."""
    examples: tuple[WarningExample, ...]
    """Some of the files."""


def group_warnings(
    counts: JobCounts, examples: Iterable[WarningExample]
) -> tuple[WarningGroup, ...]:
    """One group per kind of warning, the most frequent kind first."""
    some = tuple(examples)
    return tuple(
        WarningGroup(
            kind=kind, count=count, examples=tuple(one for one in some if one.kind == kind)
        )
        for kind, count in counts.warnings.items()
    )
