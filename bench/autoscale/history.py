"""Scraped and recorded samples."""

from bisect import bisect_right

Answer = float | None
"""A number, or no data."""

_LOOKBACK_S = 300.0
"""Maximum age of the latest sample (Prometheus: --query.lookback-delta)."""


class History:
    """Samples of each series, oldest first; None is a staleness marker.

    A series is named as in the exposition format: `name{label="value",...}`.
    """

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {}
        self._values: dict[str, list[Answer]] = {}
        self._found: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def add(self, series: str, at_s: float, value: Answer) -> None:
        """Add a sample; a series that is already stale gets no second marker."""
        self._times.setdefault(series, [])
        values = self._values.setdefault(series, [])
        if value is None and (not values or values[-1] is None):
            return
        self._times[series].append(at_s)
        values.append(value)

    def find(self, name: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the series with that name and these labels (`name="value"`)."""
        found = self._found.get((name, labels))
        if not found:
            named = (one for one in self._times if one.partition("{")[0] == name)
            found = tuple(one for one in named if all(label in one for label in labels))
            self._found[name, labels] = found
        return found

    def latest(self, series: str, at_s: float) -> Answer:
        """Return the newest sample, if it is no older than five minutes."""
        times = self._times.get(series, [])
        place = bisect_right(times, at_s) - 1
        if place < 0 or times[place] <= at_s - _LOOKBACK_S:
            return None
        return self._values[series][place]

    def within(self, series: str, at_s: float, range_s: float) -> list[tuple[float, float]]:
        """Return the samples of the last `range_s` seconds, without staleness markers."""
        times, values = self._times.get(series, []), self._values.get(series, [])
        places = range(bisect_right(times, at_s - range_s), bisect_right(times, at_s))
        samples = ((times[place], values[place]) for place in places)
        return [(time, value) for time, value in samples if value is not None]
