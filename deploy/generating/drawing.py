"""Draws a dashboard as a PNG, without Grafana."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from deploy.generating.dashboards import COLUMNS, PanelPosition, placed
from deploy.generating.declaring import Dashboard, Panel, Query
from deploy.generating.plots import INK, PALE, plot
from deploy.generating.reading import Series, Window

_WIDTH_IN = 15.0
_LINE_IN = 0.31
_DPI = 110
_MARGINS_IN = {"left": 0.6, "right": 0.2, "top": 0.38, "bottom": 0.62}
_SPARSE_IN = {"left": 0.1, "right": 0.1, "top": 0.32, "bottom": 0.05}
_GAP_IN = 0.05

Align = Literal["left", "right"]
Ask = Callable[[Query], list[Series]]


class NoSuchRow(Exception):
    """The dashboard has no row with this title: see deploy/generating/."""


def draw(dashboard: Dashboard, rows: Sequence[str], ask: Ask, window: Window, path: Path) -> None:
    """Draw all or selected rows of a dashboard into a PNG.

    Args:
        dashboard: the dashboard to draw.
        rows: titles of the rows to draw; empty for all.
        ask: returns the series of a query.
        window: the time range.
        path: file to write.

    Raises:
        NoSuchRow: a title is not a row of the dashboard.
    """
    shown = list(placed(_only(dashboard, rows)))
    page = _Page(max(place.y + place.height for _, place in shown))
    page.write(_WIDTH_IN - 0.12, page.top - 0.6 * _LINE_IN, _span(window), 9, align="right")
    for one, place in shown:
        if isinstance(one, str):
            page.write(0.12, page.bottom(place) + 0.4 * _LINE_IN, one, fontsize=12)
        else:
            found = [series for query in one.queries for series in ask(query)]
            _panel(page, one, place, found, window)
    page.figure.savefig(path, metadata={"Software": None})


def _span(window: Window) -> str:
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (window.begin_s, window.end_s))
    return f"{begin:%d %b %Y, %H:%M} to {end:%H:%M} UTC"


def _only(dashboard: Dashboard, rows: Sequence[str]) -> Dashboard:
    titles = [row.title for row in dashboard.rows]
    if missing := [name for name in rows if name not in titles]:
        raise NoSuchRow(
            f"{dashboard.title} has no row {missing[0]!r}; its rows: {', '.join(titles)}"
        )
    chosen = tuple(row for row in dashboard.rows if not rows or row.title in rows)
    return replace(dashboard, rows=chosen)


class _Page:
    """A figure with coordinates in inches from its lower left corner."""

    def __init__(self, lines: int) -> None:
        self.top = lines * _LINE_IN
        self.figure = Figure(figsize=(_WIDTH_IN, self.top), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(self.figure)

    def bottom(self, place: PanelPosition) -> float:
        return self.top - _LINE_IN * (place.y + place.height)

    def write(self, x: float, y: float, text: str, fontsize: float, align: Align = "left") -> None:
        self.figure.text(
            x / _WIDTH_IN,
            y / self.top,
            text,
            fontsize=fontsize,
            weight="bold" if align == "left" else "normal",
            color=INK if align == "left" else PALE,
            ha=align,
            va="center",
        )

    def axes(self, left: float, bottom: float, right: float, top: float) -> Axes:
        width, height = right - left, top - bottom
        return self.figure.add_axes(
            (
                left / _WIDTH_IN,
                bottom / self.top,
                width / _WIDTH_IN,
                height / self.top,
            )
        )


def _panel(
    page: _Page, panel: Panel, place: PanelPosition, found: Sequence[Series], window: Window
) -> None:
    left, right = (_WIDTH_IN * x / COLUMNS for x in (place.x, place.x + place.width))
    bottom = page.bottom(place)
    top = bottom + _LINE_IN * place.height
    frame = page.axes(left + _GAP_IN, bottom + _GAP_IN, right - _GAP_IN, top - _GAP_IN)
    frame.set(xticks=[], yticks=[])
    frame.spines[:].set_edgecolor("#d0d7de")
    page.write(left + 0.14, top - 0.2, panel.title, fontsize=9)
    room = _margins(panel, found)
    axes = page.axes(
        left + room["left"], bottom + room["bottom"], right - room["right"], top - room["top"]
    )
    axes.spines[:].set_visible(False)
    if found:
        plot(axes, panel, found, window)
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no data", ha="center", va="center", color=PALE, fontsize=9)


def _margins(panel: Panel, found: Sequence[Series]) -> dict[str, float]:
    names = max((len(line.name) for line in found), default=0)
    match panel.kind:
        case "stat":
            return _SPARSE_IN
        case "gauge" | "bargauge":
            return {**_SPARSE_IN, "left": 0.25 + 0.07 * names, "bottom": 0.2}
        case "state-timeline":
            return {**_MARGINS_IN, "left": 0.25 + 0.063 * names}
        case "timeseries":
            return _MARGINS_IN
