"""Every query that panels and alerts make, for tests that ask a real Prometheus."""

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
    """(dashboard, panel, query) of each query of each panel.

    Args:
        values: what to put in for Grafana's variables: job, instance, slot, __rate_interval and
            __range; instance and slot are patterns on some panels and names on others.
        without: leave out the queries that need such things.

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
    """PromQL with values for Grafana's variables."""
    return _VARIABLE.sub(lambda found: values[found[1]], expr)


def alert_queries() -> list[tuple[str, str]]:
    """(alert, expression) of each alert."""
    return [(rule["alert"], rule["expr"]) for rule in rules() if "alert" in rule]


def recorded() -> dict[str, str]:
    """Name and expression of each recorded series; the last one of a name counts."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of every file, as it is written there."""
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]
