"""Draws one panel, by its kind."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from deploy.generating.declaring import Colour, Kind, Panel
from deploy.generating.reading import Series, Window
from deploy.generating.units import as_text, step_of

INK = "#24292f"
PALE = "#6e7781"
_GRID = "#e6e8eb"
_MOST_NAMES = 6
_MOST_TICKS = 6
_TICKS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 7 * 86400)

COLOURS: dict[Colour, str] = {
    "green": "#2f9e44",
    "yellow": "#e0a100",
    "orange": "#e8590c",
    "red": "#d6293e",
    "blue": "#1c6fd0",
    "text": INK,
}
_LINES = (
    "#1c6fd0",
    "#e8590c",
    "#2f9e44",
    "#9c36b5",
    "#d6293e",
    "#0c8599",
    "#e0a100",
    "#6741d9",
    "#868e96",
    "#5c940d",
)


def plot(axes: Axes, panel: Panel, found: Sequence[Series], window: Window) -> None:
    """Draw the series of a panel into the axes."""
    _PLOTS[panel.kind](axes, panel, found, window)


def _timeseries(axes: Axes, panel: Panel, found: Sequence[Series], window: Window) -> None:
    ranked = sorted(found, key=lambda line: -max(line.values))
    shown = list(found) if len(found) <= _MOST_NAMES else ranked
    if panel.stacked:
        _stack(axes, shown)
    else:
        for place, line in enumerate(shown):
            axes.plot(line.times_s, line.values, color=_colour(place), linewidth=1.4)
    whole = all(value == int(value) for line in shown for value in line.values)
    _scale(axes, panel, window, counted=whole and panel.unit in ("none", "short"))
    _name(axes, shown)


def _stack(axes: Axes, found: Sequence[Series]) -> None:
    times = sorted({at for line in found for at in line.times_s})
    heights = [dict(zip(line.times_s, line.values, strict=True)) for line in found]
    rows = [[one.get(at, 0.0) for at in times] for one in heights]
    colours = [_colour(place) for place in range(len(found))]
    axes.stackplot(times, rows, colors=colours, alpha=0.75, linewidth=0)


def _scale(axes: Axes, panel: Panel, window: Window, counted: bool) -> None:
    _time_axis(axes, window)
    top = panel.most or axes.get_ylim()[1]
    if counted or not axes.has_data():
        top = max(top, 1.2)
    axes.set_ylim(0, top)
    size = step_of(top, panel.unit)
    ticks = [size * at for at in MaxNLocator(4, integer=counted).tick_values(0, top / size)]
    ticks = [at for at in ticks if 0 <= at <= top]
    axes.set_yticks(ticks, [as_text(at, panel.unit) for at in ticks])
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    for step in panel.steps:
        if step.at <= axes.get_ylim()[1]:
            axes.axhline(step.at, color=COLOURS[step.colour], linewidth=1, linestyle=(0, (4, 3)))


def _time_axis(axes: Axes, window: Window) -> None:
    length_s = window.end_s - window.begin_s
    step = next((step for step in _TICKS_S if length_s / step <= _MOST_TICKS), _TICKS_S[-1])
    first = step * math.ceil(window.begin_s / step)
    ticks = range(first, int(window.end_s) + 1, step)
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%d %b"
    axes.set_xlim(window.begin_s, window.end_s)
    axes.set_xticks(list(ticks), [datetime.fromtimestamp(at, UTC).strftime(form) for at in ticks])
    axes.tick_params(length=0, labelsize=7.5, colors=PALE)


def _name(axes: Axes, shown: Sequence[Series]) -> None:
    most = _MOST_NAMES if len(shown) <= _MOST_NAMES else _MOST_NAMES - 1
    named = [(place, line.name) for place, line in enumerate(shown) if line.name][:most]
    for place, name in named:
        axes.plot([], [], color=_colour(place), linewidth=4, label=name)
    if len(shown) > _MOST_NAMES:
        axes.plot([], [], linewidth=0, label=f"and {len(shown) - most} more")
    if named:
        _legend(axes)


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.01, -0.1),
        ncols=3,
        fontsize=7.5,
        frameon=False,
        labelcolor=INK,
        handlelength=0.9,
        columnspacing=1.2,
        handletextpad=0.5,
        borderpad=0,
    )


def _stat(axes: Axes, panel: Panel, found: Sequence[Series], _: Window) -> None:
    axes.set_axis_off()
    for place, line in enumerate(found):
        middle = (place + 0.5) / len(found)
        where: dict[str, Any] = {"ha": "center", "va": "center", "transform": axes.transAxes}
        size = 21 if len(found) == 1 else 17
        text = as_text(line.last, panel.unit)
        colour = _colour_of(panel, line.last)
        axes.text(middle, 0.5, text, fontsize=size, color=colour, weight="bold", **where)
        if line.name:
            axes.text(middle, 0.1, line.name, fontsize=7.5, color=PALE, **where)


def _bars(axes: Axes, panel: Panel, found: Sequence[Series], _: Window) -> None:
    ranked = sorted(found, key=lambda line: line.last)[-_MOST_NAMES:]
    top = panel.most or max(line.last for line in ranked) or 1.0
    for place, line in enumerate(ranked):
        axes.barh(place, top, color=_GRID, height=0.6)
        axes.barh(place, line.last, color=COLOURS["blue"], height=0.6)
        axes.text(
            1.02 * top, place, as_text(line.last, panel.unit), va="center", fontsize=8.5, color=INK
        )
    axes.set_xlim(0, 1.25 * top)
    axes.set_ylim(-0.6, max(len(ranked), 1) - 0.4)
    axes.set_xticks([])
    axes.set_yticks(range(len(ranked)), [line.name for line in ranked], fontsize=8, color=INK)
    axes.tick_params(length=0)


def _timeline(axes: Axes, panel: Panel, found: Sequence[Series], window: Window) -> None:
    meanings = {one.value: one for one in panel.meanings}
    for place, line in enumerate(found):
        for at, value in zip(line.times_s, line.values, strict=True):
            meaning = meanings.get(round(value))
            colour = COLOURS[meaning.colour] if meaning else PALE
            axes.broken_barh(
                [(at, 1.02 * window.step_s)], (place - 0.4, 0.8), color=colour, linewidth=0
            )
    _time_axis(axes, window)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_yticks(range(len(found)), [line.name for line in found], fontsize=7.5, color=INK)
    for one in panel.meanings:
        axes.plot([], [], color=COLOURS[one.colour], linewidth=4, label=one.text)
    _legend(axes)


def _colour(place: int) -> str:
    return _LINES[place % len(_LINES)]


def _colour_of(panel: Panel, value: float) -> str:
    passed = [step.colour for step in panel.steps if value >= step.at]
    return COLOURS[passed[-1] if passed else "green" if panel.steps else "text"]


_PLOTS: dict[Kind, Callable[[Axes, Panel, Sequence[Series], Window], None]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _bars,
    "bargauge": _bars,
    "state-timeline": _timeline,
}
