"""PURE. The charts of the report page as SVG, without scripts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from funasr_fleet.contract.shown_text import in_page
from funasr_fleet.producer.progress.humanize import compact

_WIDTH, _HEIGHT = 960, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 36, 22, 28
"""Margins for the axis labels and for the numbers above the highest columns."""
_WIDEST_COLUMN = 56

_STEPS = {1.0: 5, 2.0: 4, 2.5: 5, 3.0: 3, 4.0: 4, 5.0: 5, 6.0: 3, 8.0: 4, 10.0: 5}
"""Top of an axis, divided by a power of ten -> number of intervals between its ticks."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a chart; its parts are stacked."""

    parts: tuple[tuple[str, float], ...]
    """(style, value), from the bottom up; the style is a fill-... class of the style sheet."""
    tip: str
    """Tooltip."""
    label: str = ""
    """Text below the axis."""
    number: str = ""
    """Text above the column."""

    @property
    def height(self) -> float:
        """Sum of its parts."""
        return sum(value for _, value in self.parts)


def column_chart(columns: Sequence[Column], name: str, *, whole: bool = False) -> str:
    """A column chart with one value axis.

    Args:
        columns: from left to right.
        name: accessible name of the chart.
        whole: the values are counts, so the axis has no fractions.
    """
    top, cuts = axis(max((column.height for column in columns), default=0.0), whole=whole)
    slot = (_WIDTH - _LEFT - _RIGHT) / max(1, len(columns))
    drawn = "".join(
        _column(column, _LEFT + place * slot, slot, top) for place, column in enumerate(columns)
    )
    return (
        f'<div class="scroll"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{in_page(name)}">{_grid(top, cuts)}{drawn}</svg></div>'
    )


def strip(parts: Sequence[tuple[str, float, str]], name: str) -> str:
    """A horizontal stacked bar. Each part above 0 has a visible minimum width.

    Args:
        parts: (style, value, tooltip), from left to right.
        name: accessible name of the bar.
    """
    total = sum(value for _, value, _ in parts)
    shares = [max(4.0, 1000 * value / total) if value else 0.0 for _, value, _ in parts]
    scale = 1000 / (sum(shares) or 1)
    drawn, x = [], 0.0
    for (style, _, tip), share in zip(parts, shares, strict=True):
        if share:
            drawn.append(_rectangle(style, (x, 0, share * scale, 26), tip))
        x += share * scale
    return (
        f'<svg class="strip" viewBox="0 0 1000 26" preserveAspectRatio="none" role="img" '
        f'aria-label="{in_page(name)}">{"".join(drawn)}</svg>'
    )


def key(style: str) -> str:
    """The colour swatch of a legend entry."""
    return (
        f'<svg viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="{style}" width="10" height="10" rx="2"/></svg>'
    )


def axis(highest: float, *, whole: bool) -> tuple[float, int]:
    """(top of the axis, number of intervals between ticks) for this highest value."""
    if highest <= 0 or (whole and highest <= 4):
        return (4.0 if whole else 1.0), 4
    power = 10.0 ** math.floor(math.log10(highest))
    step = next((step for step in _STEPS if step >= highest / power - 1e-9), 10.0)
    return step * power, _STEPS[step]


def _grid(top: float, cuts: int) -> str:
    lines = []
    for cut in range(cuts + 1):
        value = top * cut / cuts
        y = _y(value, top)
        lines.append(
            f'<line class="{"grid" if cut else "axis"}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="end" x="{_LEFT - 8}" y="{y + 4:.1f}">{compact(value)}</text>'
        )
    return "".join(lines)


def _column(column: Column, x: float, slot: float, top: float) -> str:
    gap = 0.2 * slot if slot > 5 else 0.5
    width = min(slot - gap, _WIDEST_COLUMN)
    left, middle = x + (slot - width) / 2, x + slot / 2
    drawn, below = [], 0.0
    for style, value in column.parts:
        if value > 0:
            high, low = _y(below + value, top), _y(below, top)
            drawn.append(_rectangle(style, (left, high, width, low - high), column.tip))
        below += value
    if column.number:
        y = _y(column.height, top) - 5
        drawn.append(_text(column.number, middle, y))
    if column.label:
        drawn.append(_text(column.label, middle, _HEIGHT - 8))
    return "".join(drawn)


def _rectangle(style: str, place: tuple[float, float, float, float], tip: str) -> str:
    x, y, width, height = place
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{max(height, 0.8):.1f}"><title>{in_page(tip)}</title></rect>'
    )


def _text(text: str, x: float, y: float) -> str:
    return f'<text class="middle" x="{x:.1f}" y="{y:.1f}">{in_page(text)}</text>'


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top
