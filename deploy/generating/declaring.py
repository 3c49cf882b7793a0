"""Frozen values that declare a dashboard: rows, panels, queries and their texts."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "gauge", "bargauge", "state-timeline"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "text"]
Need = Literal["", "gpu", "maxmemory"]
"""What a query needs to return data: a GPU, or a maxmemory limit of Redis; empty for nothing."""


@dataclass(frozen=True)
class Query:
    """A PromQL expression, which may contain Grafana's variables."""

    expr: str
    legend: str = ""
    """Name of its series; {{label}} is replaced by the label's value."""
    needs: Need = ""


@dataclass(frozen=True)
class Step:
    """Threshold: from this value on, a panel has this colour."""

    at: float
    colour: Colour


@dataclass(frozen=True)
class Meaning:
    """Text and colour for a value that encodes a state."""

    value: int
    text: str
    colour: Colour


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel with one or more queries."""

    title: str
    description: str
    unit: str
    """A unit of Grafana: s, percentunit, bytes ... or `suffix: TEXT`."""
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    """Of 24 columns."""
    height: int = 8
    steps: tuple[Step, ...] = ()
    """In ascending order; values below the first one are green."""
    meanings: tuple[Meaning, ...] = ()
    stacked: bool = False
    most: float | None = None
    """Maximum of the axis; None derives it from the values."""


@dataclass(frozen=True)
class Row:
    """A heading and the panels below it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A selector at the top of a dashboard; its values are those of a label."""

    name: str
    label: str
    metric: str
    """Metric with its label matchers; offers the values of the label `name`."""
    many: bool = False
    """Several values can be selected, initially all; queries match it as a regular expression."""
    newest_first: bool = False
    """Sort in descending order, because names of jobs end with their date."""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard: rows of panels and the variables to select."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    hours: int = 6
    """Initial time range."""


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: tuple[Step, ...] = (),
    stacked: bool = False,
    most: float | None = None,
) -> Panel:
    """Return a panel with lines over time."""
    return Panel(
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        steps=steps,
        stacked=stacked,
        most=most,
    )


def stat(
    title: str, description: str, unit: str, *queries: Query, steps: tuple[Step, ...] = ()
) -> Panel:
    """Return a panel that shows the last value as a large number."""
    return Panel(
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        kind="stat",
        width=4,
        height=4,
        steps=steps,
    )


def states(title: str, description: str, query: Query, *meanings: Meaning) -> Panel:
    """Return a panel that shows the state of each series over time as coloured bars."""
    return Panel(
        title=title,
        description=description,
        unit="none",
        queries=(query,),
        kind="state-timeline",
        meanings=meanings,
    )


def percentile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """Return the PromQL of a percentile of a histogram.

    Args:
        share: 0 to 1.
        histogram: name of the metric, without _bucket.
        by: an additional label to group by.
        where: label matchers for the selector.
    """
    labels = f"le, {by}" if by else "le"
    selector = f"{{{where}}}" if where else ""
    rate = f"rate({histogram}_bucket{selector}[$__rate_interval])"
    return f"histogram_quantile({share:g}, sum by ({labels}) ({rate}))"


def percentiles(histogram: str, *shares: float, where: str = "") -> tuple[Query, ...]:
    """Return one query per percentile, named after it."""
    return tuple(
        Query(
            percentile(share, histogram, where=where),
            "median" if share == 0.5 else f"{100 * share:g} %",
        )
        for share in shares
    )
