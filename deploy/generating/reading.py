"""Queries Prometheus for the series of a panel's query."""

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

_TIMEOUT_S = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class QueryFailed(Exception):
    """Prometheus rejected a query or is unreachable; the message has the query and the reason."""


@dataclass(frozen=True)
class Window:
    """A time range in seconds since the epoch, and the step between points."""

    begin_s: float
    end_s: float
    step_s: float


@dataclass(frozen=True)
class Series:
    """One line: its name and its points, without missing values."""

    name: str
    times_s: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.values[-1]


def read(url: str, query: Query, values: Mapping[str, str], window: Window) -> list[Series]:
    """Return the series of a query; series without a finite value are omitted.

    Raises:
        QueryFailed: Prometheus is unreachable or rejects the query.
    """
    parameters = {
        "query": filled_in(query.expr, values),
        "start": f"{window.begin_s:.3f}",
        "end": f"{window.end_s:.3f}",
        "step": f"{window.step_s:.3f}",
    }
    address = f"{url.rstrip('/')}/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
    try:
        with _DIRECT.open(address, timeout=_TIMEOUT_S) as answer:
            found = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        why = error.read().decode(errors="replace")
        raise QueryFailed(f"{parameters['query']}: {error}: {why}") from None
    except OSError as error:
        raise QueryFailed(f"{parameters['query']}: {error}") from None
    lines = (_series(query.legend, one["metric"], one["values"]) for one in found)
    return [line for line in lines if line.values]


def _series(legend: str, labels: Mapping[str, str], points: list[tuple[float, str]]) -> Series:
    numbers = [(at, float(text)) for at, text in points]
    finite = [(at, value) for at, value in numbers if math.isfinite(value)]
    return Series(
        name=re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend),
        times_s=tuple(at for at, _ in finite),
        values=tuple(value for _, value in finite),
    )
