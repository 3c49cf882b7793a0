"""Names in a PromQL expression, found by patterns that cover the expressions of deploy/."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.generating.queries import recorded
from funasr_fleet.exporter.metrics import CATALOGUE as OF_THE_EXPORTER
from funasr_fleet.metric import Metric
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE as OF_A_WORKER

TARGET = frozenset({"job", "instance"})
"""Labels that Prometheus adds to every series."""

_OWN = {"up": TARGET, "ALERTS": frozenset({"alertname", "alertstate", "severity"})}
"""Series of Prometheus itself."""

_NAME = re.compile(r"\b((?:asr[_:][\w:]+)|up\b|ALERTS\b)\s*(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)\s*\(")
_IGNORING = re.compile(r"\bignoring\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Mention:
    """A series in an expression, and the labels of its matchers."""

    name: str
    labels: frozenset[str]


def mentions(expr: str) -> list[Mention]:
    return [
        Mention(name, frozenset(_MATCHER.findall(matchers or "")))
        for name, matchers in _NAME.findall(expr)
    ]


def selectors(expr: str) -> list[str]:
    """Names with their matchers, each a valid query by itself."""
    return [found[0].strip() for found in _NAME.finditer(expr)]


def groupings(expr: str) -> Iterator[tuple[frozenset[str], str]]:
    """Labels of each `by` and `without`, and the grouped expression."""
    for found in _GROUPING.finditer(expr):
        yield _listed(found[1]), _until_closed(expr, found.end())
    for found in _IGNORING.finditer(expr):
        yield _listed(found[1]), expr


def labels_of_result(expr: str) -> frozenset[str]:
    """Labels that distinguish the series of a result."""
    if found := _GROUPING.search(expr):
        return _listed(found[1])
    return frozenset().union(*(known()[one.name] for one in mentions(expr)))


def known() -> dict[str, frozenset[str]]:
    series = dict(_OWN)
    for metric in (*OF_A_WORKER, *OF_THE_EXPORTER):
        series |= _series_of(metric)
    for name in recorded():
        series[name] = TARGET if ":by_worker" in name else frozenset()
    return series


def _series_of(metric: Metric) -> dict[str, frozenset[str]]:
    labels = TARGET | set(metric.labels)
    if metric.kind != "histogram":
        return {metric.name: labels}
    return {
        f"{metric.name}_bucket": labels | {"le"},
        f"{metric.name}_sum": labels,
        f"{metric.name}_count": labels,
    }


def _listed(labels: str) -> frozenset[str]:
    return frozenset(label.strip() for label in labels.split(","))


def _until_closed(expr: str, begin: int) -> str:
    depth = 1
    for place in range(begin, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[place], 0)
        if not depth:
            return expr[begin:place]
    raise ValueError(f"a parenthesis is open: {expr}")
