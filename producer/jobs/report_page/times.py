"""PURE. The charts of the report page. Each function returns (title, HTML)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from funasr_fleet.producer.jobs.report_page.charts import Column, column_chart, key
from funasr_fleet.producer.progress.humanize import compact, decimal, span

MAX_BARS = 200

_WIDTHS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Allowed durations of a bar, and between two labels, in minutes; multiples of a day follow."""


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


_LABELS = 8
"""Approximate maximum number of labels below a time axis."""


def audio_over_time(bars: Bars) -> tuple[str, str]:
    """Audio finished in the interval of each bar."""
    scale, unit = (1, "hours")
    if max(bar.audio_hours for bar in bars.bars) < 1:
        scale, unit = (60, "minutes")
    columns = [
        Column(
            parts=(("fill-ok", scale * bar.audio_hours),),
            tip=f"{_when(bar)}: {decimal(scale * bar.audio_hours)} audio {unit}",
            label=label,
        )
        for bar, label in zip(bars.bars, _labels(bars), strict=True)
    ]
    title = f"Audio {unit} finished in each {_period(bars)}"
    return title, column_chart(columns, title)


def files_over_time(bars: Bars) -> tuple[str, str]:
    """Files finished in the interval of each bar; failed files are stacked on top."""
    columns = [
        Column(
            parts=(("fill-ok", bar.files - bar.failed), ("fill-failed", bar.failed)),
            tip=f"{_when(bar)}: {bar.files:,} files, {bar.failed:,} of them failed",
            label=label,
        )
        for bar, label in zip(bars.bars, _labels(bars), strict=True)
    ]
    title = f"Files finished in each {_period(bars)}"
    legend = (
        f'<ul class="legend"><li>{key("fill-ok")}succeeded</li>'
        f"<li>{key('fill-failed')}failed</li></ul>"
    )
    return title, column_chart(columns, title, whole=True) + legend


def latency(times: dict[str, Any]) -> tuple[str, str]:
    """Histogram of file latencies.

    Args:
        times: `latency_s` of the report.
    """
    title = "Time per file, from start to commit"
    if times["p50"] is None:
        return title, '<p class="soft">No file was measured.</p>'
    quantiles = ", ".join(
        f"{share} % within <b>{decimal(times[f'p{share}'])} s</b>" for share in (50, 90, 99)
    )
    return title, (
        f'<p class="soft">{quantiles} (estimated from the columns)</p>'
        + column_chart(_latency_columns(times["buckets"]), title, whole=True)
    )


def _latency_columns(buckets: list[dict[str, Any]]) -> list[Column]:
    columns, low = [], 0.0
    for bucket in buckets:
        bound, files = bucket["le"], bucket["files"]
        label = f"> {low:g} s" if bound is None else f"\N{LESS-THAN OR EQUAL TO} {bound:g} s"
        between = f"over {low:g} s" if bound is None else f"{low:g} to {bound:g} s"
        columns.append(
            Column(
                parts=(("fill-ok", files),),
                tip=f"{between}: {files:,} files",
                label=label,
                number=compact(files) if files else "",
            )
        )
        low = low if bound is None else bound
    return columns


def _labels(bars: Bars) -> list[str]:
    """A label for each bar that starts at a multiple of the label step, "" for others; UTC."""
    length = bars.minutes * len(bars.bars)
    steps = [n for n in _WIDTHS_MIN if n >= bars.minutes and length <= _LABELS * n]
    step = steps[0] if steps else 1440 * -(-length // (_LABELS * 1440))
    shape = "%H:%M" if length <= 1440 else "%d %b %H:%M" if step < 1440 else "%d %b"
    moments = [int(bar.at.timestamp()) // 60 for bar in bars.bars]
    labels = [
        f"{bar.at:{shape}}" if moment % step == 0 else ""
        for bar, moment in zip(bars.bars, moments, strict=True)
    ]
    return labels if any(labels) else [f"{bars.bars[0].at:{shape}}", *labels[1:]]


def _when(bar: Bar) -> str:
    return f"{bar.at:%Y-%m-%d %H:%M}"


def _period(bars: Bars) -> str:
    return "minute" if bars.minutes == 1 else span(60 * bars.minutes)
