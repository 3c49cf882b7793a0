"""PURE: the buckets of the time from the start of a file to its commit."""

LATENCY_BOUNDS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Upper bounds of the buckets of a file's time from start to commit; the last bucket has none."""


def latency_bucket(seconds: float) -> int:
    """Index of the latency bucket that contains this time; see LATENCY_BOUNDS_S."""
    return sum(seconds > bound for bound in LATENCY_BOUNDS_S)
