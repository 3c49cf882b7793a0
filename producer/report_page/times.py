"""PURE. What the page's charts show; each is (title, HTML)."""

from typing import Any

from producer.progress.wording import compact, decimal, span
from producer.report_page.bins import Bar, Bars
from producer.report_page.charts import Column, column_chart, key

_LABELS = 8
"""Times below an axis, at most about so many."""
_LABEL_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)


def audio_over_time(found: Bars) -> tuple[str, str]:
    """Audio finished in each bar's time."""
    scale, unit = (1, "hours")
    if max(bar.audio_hours for bar in found.bars) < 1:
        scale, unit = (60, "minutes")
    columns = [
        Column(
            parts=(("fill-ok", scale * bar.audio_hours),),
            tip=f"{_when(bar)}: {decimal(scale * bar.audio_hours)} audio {unit}",
            label=label,
        )
        for bar, label in zip(found.bars, _labels(found), strict=True)
    ]
    title = f"Audio {unit} finished in each {_period(found)}"
    return title, column_chart(columns, title)


def files_over_time(found: Bars) -> tuple[str, str]:
    """Files finished in each bar's time, those that failed on top."""
    columns = [
        Column(
            parts=(("fill-ok", bar.files - bar.failed), ("fill-failed", bar.failed)),
            tip=f"{_when(bar)}: {bar.files:,} files, {bar.failed:,} of them failed",
            label=label,
        )
        for bar, label in zip(found.bars, _labels(found), strict=True)
    ]
    title = f"Files finished in each {_period(found)}"
    legend = (
        f'<ul class="legend"><li>{key("fill-ok")}succeeded</li>'
        f"<li>{key('fill-failed')}failed</li></ul>"
    )
    return title, column_chart(columns, title, whole=True) + legend


def latency(times: dict[str, Any]) -> tuple[str, str]:
    """Files by how long they took.

    Args:
        times: `latency_s` of the report.
    """
    title = "Time of a file, from start to commit"
    if times["p50"] is None:
        return title, '<p class="soft">Not known of any file.</p>'
    told = ", ".join(
        f"{share} % within <b>{decimal(times[f'p{share}'])} s</b>" for share in (50, 90, 99)
    )
    return title, (
        f'<p class="soft">{told} (estimated from the columns)</p>'
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


def _labels(found: Bars) -> list[str]:
    """A time below each bar that begins at a round one; all times are UTC."""
    length = found.minutes * len(found.bars)
    steps = [n for n in _LABEL_STEPS_MIN if n >= found.minutes and length <= _LABELS * n]
    step = steps[0] if steps else 1440 * -(-length // (_LABELS * 1440))
    shape = "%H:%M" if length <= 1440 else "%d %b %H:%M" if step < 1440 else "%d %b"
    moments = [int(bar.at.timestamp()) // 60 for bar in found.bars]
    labels = [
        f"{bar.at:{shape}}" if moment % step == 0 else ""
        for bar, moment in zip(found.bars, moments, strict=True)
    ]
    return labels if any(labels) else [f"{found.bars[0].at:{shape}}", *labels[1:]]


def _when(bar: Bar) -> str:
    return f"{bar.at:%Y-%m-%d %H:%M}"


def _period(found: Bars) -> str:
    return "minute" if found.minutes == 1 else span(60 * found.minutes)
