"""The declaration of a metric: name, kind, help text and labels."""

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
    """All values of its only label. Each series starts at 0, because `rate` does not see the first
    increment of a new series."""
    read_at_scrape: bool = False
    """Whether the server reads the value at each scrape, instead of the children recording it."""


def gauge(name: str, help_text: str, *labels: str) -> Metric:
    """A gauge whose value is read at each scrape."""
    return Metric(name, "gauge", help_text, labels, read_at_scrape=True)


Sample = tuple[str, tuple[str, ...], float]
"""Name of the metric, values of its labels, value."""
