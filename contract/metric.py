"""A metric as workers and the exporter declare it: once, with its name, unit and labels."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric as it appears on /metrics."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in the metric's unit."""
    values: tuple[str, ...] = ()
    """All that its one label can be: each begins at 0, or the first of its kind would never be seen
    by `rate`."""
    read_at_scrape: bool = False
    """Whether the server reads the value itself, instead of the children counting it."""


def measured(name: str, help_text: str, *labels: str) -> Metric:
    """A gauge that is read at each scrape."""
    return Metric(name, "gauge", help_text, labels, read_at_scrape=True)


Reading = tuple[str, tuple[str, ...], float]
"""A metric's name, its labels' values, its value."""
