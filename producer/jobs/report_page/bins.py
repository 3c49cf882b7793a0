"""PURE. Finished files per minute -> at most MAX_BARS bars of equal duration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_BARS = 200

_WIDTHS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Allowed durations of a bar, in minutes; multiples of a day follow."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Files and audio finished in one interval."""

    at: datetime
    """Start of the interval, UTC."""
    files: int
    failed: int
    audio_hours: float


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A job's run time in intervals of equal duration, including those without finished files."""

    minutes: int
    """Duration of each bar."""
    bars: tuple[Bar, ...]


def bin_minutes(throughput: Sequence[dict[str, Any]]) -> Bars:
    """Merge the report's minutes into bars, in chronological order.

    Args:
        throughput: rows of the report: at (ISO 8601, UTC), files, failed, audio_hours.
    """
    if not throughput:
        return Bars(minutes=1, bars=())
    moments = [int(datetime.fromisoformat(row["at"]).timestamp()) // 60 for row in throughput]
    width = _width(min(moments), max(moments))
    first, last = min(moments) // width, max(moments) // width
    sums = [[0, 0, 0.0] for _ in range(last - first + 1)]
    for moment, row in zip(moments, throughput, strict=True):
        into = sums[moment // width - first]
        for place, name in enumerate(("files", "failed", "audio_hours")):
            into[place] += row[name]
    return Bars(
        minutes=width,
        bars=tuple(
            Bar(
                at=datetime.fromtimestamp(60 * width * (first + place), UTC),
                files=int(files),
                failed=int(failed),
                audio_hours=hours,
            )
            for place, (files, failed, hours) in enumerate(sums)
        ),
    )


def _width(first: int, last: int) -> int:
    """The shortest allowed duration, in minutes, that needs at most MAX_BARS bars."""
    for width in _WIDTHS_MIN:
        if last // width - first // width < MAX_BARS:
            return width
    days = (last - first) // (MAX_BARS - 1) // _WIDTHS_MIN[-1] + 1
    return days * _WIDTHS_MIN[-1]
