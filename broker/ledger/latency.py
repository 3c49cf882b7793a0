"""PURE: the buckets of the time from the start of a file to its commit."""

from collections.abc import Mapping

from funasr_fleet.broker.ledger.stored_fields import count_in, numbered

LATENCY_BOUNDS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Upper bounds of the buckets of a file's time from start to commit; the last bucket has none."""


def latency_bucket(seconds: float) -> int:
    """Index of the latency bucket that contains this time; see LATENCY_BOUNDS_S."""
    return sum(seconds > bound for bound in LATENCY_BOUNDS_S)


def read_latency(stored: Mapping[str, str]) -> dict[int, int]:
    """Files by latency bucket."""
    return {int(bucket): count_in(stored[bucket]) for bucket in numbered(stored)}
