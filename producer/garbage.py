"""Python's garbage collector, while millions of small values that hold no cycles pass through."""

import contextlib
import gc
from collections.abc import Iterator

_THRESHOLDS = (100_000, 50, 100)
"""Allocations before a collection, and collections before one of the next generation."""


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Collect seldom; with the usual thresholds a fifth of a producer's time went into it."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
