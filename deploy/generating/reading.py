"""Asks a Prometheus for the series of a query."""

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.generating.declaring import Query
from deploy.generating.queries import filled_in

_PATIENCE_S = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PrometheusRefuses(Exception):
    """Prometheus does not answer a query: the message says which, and why."""


@dataclass(frozen=True)
class Window:
    """A stretch of time, in seconds since the epoch."""

    begin_s: float
    end_s: float
    step_s: float


@dataclass(frozen=True)
class Series:
    """One line: its words, and its points where it has any."""

    name: str
    times_s: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.values[-1]


def read(url: str, query: Query, values: Mapping[str, str], window: Window) -> list[Series]:
    """Series of a query, those without any number left out.

    Raises:
        PrometheusRefuses: it is not there, or does not understand the query.
    """
    asked = {
        "query": filled_in(query.expr, values),
        "start": f"{window.begin_s:.3f}",
        "end": f"{window.end_s:.3f}",
        "step": f"{window.step_s:.3f}",
    }
    address = f"{url.rstrip('/')}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
    try:
        with _DIRECT.open(address, timeout=_PATIENCE_S) as answer:
            found = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        why = error.read().decode(errors="replace")
        raise PrometheusRefuses(f"{asked['query']}: {error}: {why}") from None
    except OSError as error:
        raise PrometheusRefuses(f"{asked['query']}: {error}") from None
    lines = (_series(query.legend, one["metric"], one["values"]) for one in found)
    return [line for line in lines if line.values]


def _series(legend: str, labels: Mapping[str, str], points: list[tuple[float, str]]) -> Series:
    numbers = [(at, float(text)) for at, text in points]
    told = [(at, value) for at, value in numbers if math.isfinite(value)]
    return Series(
        name=re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend),
        times_s=tuple(at for at, _ in told),
        values=tuple(value for _, value in told),
    )
