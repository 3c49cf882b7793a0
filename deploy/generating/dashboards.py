"""Every dashboard, and the positions of its panels."""

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.generating.declaring import Dashboard, Panel
from deploy.generating.fleet import FLEET
from deploy.generating.job import JOB
from deploy.generating.worker import WORKER

DASHBOARDS = (FLEET, JOB, WORKER)

COLUMNS = 24


@dataclass(frozen=True)
class PanelPosition:
    """Position and size in columns and lines of Grafana's grid."""

    x: int
    y: int
    width: int
    height: int


def placed(dashboard: Dashboard) -> Iterator[tuple[str | Panel, PanelPosition]]:
    """Yield row titles and panels with positions; panels stand side by side while they fit."""
    y = 0
    for row in dashboard.rows:
        yield row.title, PanelPosition(0, y, COLUMNS, 1)
        y += 1
        x = tallest = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield panel, PanelPosition(x, y, panel.width, panel.height)
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
