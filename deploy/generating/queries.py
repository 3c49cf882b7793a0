"""Lists the queries of all panels and alerts, for tests against a real Prometheus."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.generating.dashboards import DASHBOARDS
from deploy.generating.declaring import Need

RULES = Path(__file__).parents[1] / "monitoring" / "rules"

_VARIABLE = re.compile(r"\$(\w+)")


def panel_queries(
    values: Mapping[str, str], without: Collection[Need] = ()
) -> list[tuple[str, str, str]]:
    """Return (dashboard, panel, query) for each query of each panel.

    Args:
        values: values of Grafana's variables: job, instance, slot, __rate_interval and
            __range; instance and slot are patterns on some panels and names on others.
        without: leave out queries with these needs.

    Raises:
        KeyError: a variable has no value.
    """
    return [
        (dashboard.title, panel.title, filled_in(query.expr, values))
        for dashboard in DASHBOARDS
        for row in dashboard.rows
        for panel in row.panels
        for query in panel.queries
        if query.needs not in without
    ]


def filled_in(expr: str, values: Mapping[str, str]) -> str:
    """Return PromQL with Grafana's variables replaced by their values."""
    return _VARIABLE.sub(lambda found: values[found[1]], expr)


def alert_queries() -> list[tuple[str, str]]:
    """Return (alert, expression) for each alert."""
    return [(rule["alert"], rule["expr"]) for rule in rules() if "alert" in rule]


def recorded() -> dict[str, str]:
    """Return name -> expression of the recorded series; the last rule of a name wins."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def rules() -> Iterator[dict[str, Any]]:
    """Yield every rule of every rule file."""
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]
