"""A dashboard as frozen values: what is shown, in which words, and of what."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "gauge", "bargauge", "state-timeline"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "text"]
Need = Literal["", "gpu", "maxmemory"]
"""What must be there for a query to find anything: a GPU, or a limit of Redis' memory."""


@dataclass(frozen=True)
class Query:
    """PromQL, which may hold Grafana's variables."""

    expr: str
    legend: str = ""
    """Words for its series; {{label}} stands for a label's value."""
    needs: Need = ""


@dataclass(frozen=True)
class Step:
    """From this value on, a panel has this colour."""

    at: float
    colour: Colour


@dataclass(frozen=True)
class Meaning:
    """What a value stands for, where it is no quantity."""

    value: int
    text: str
    colour: Colour


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question, answered by one or more queries."""

    title: str
    description: str
    unit: str
    """In Grafana's words: s, percentunit, bytes ... or `suffix: what`."""
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    """Of 24 columns."""
    height: int = 8
    steps: tuple[Step, ...] = ()
    """Rising; below the first one all is well."""
    meanings: tuple[Meaning, ...] = ()
    stacked: bool = False
    most: float | None = None
    """Top of the axis; None lets the values decide."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """Something to choose at the top; its values are those of a label."""

    name: str
    label: str
    metric: str
    """With its selector; the values of its label `name` are offered."""
    many: bool = False
    """Several may be chosen, and all are at first; queries match it as a pattern."""
    newest_first: bool = False
    """Offer the last name first, as names of jobs end with their date."""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A page of rows."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    hours: int = 6
    """How far back it looks at first."""


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: tuple[Step, ...] = (),
    stacked: bool = False,
    most: float | None = None,
) -> Panel:
    """Lines over time."""
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
    """The last number, in large."""
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
    """Which state each series was in, as coloured stretches of time."""
    return Panel(
        title=title,
        description=description,
        unit="none",
        queries=(query,),
        kind="state-timeline",
        meanings=meanings,
    )


def percentile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """PromQL of a percentile of a histogram's observations.

    Args:
        share: 0 to 1.
        histogram: name of the metric, without _bucket.
        by: a label that tells series apart, besides.
        where: matchers of its selector.
    """
    labels = f"le, {by}" if by else "le"
    selector = f"{{{where}}}" if where else ""
    rate = f"rate({histogram}_bucket{selector}[$__rate_interval])"
    return f"histogram_quantile({share:g}, sum by ({labels}) ({rate}))"


def percentiles(histogram: str, *shares: float, where: str = "") -> tuple[Query, ...]:
    """A query for each share, named after it."""
    return tuple(
        Query(
            percentile(share, histogram, where=where),
            "median" if share == 0.5 else f"{100 * share:g} %",
        )
        for share in shares
    )
