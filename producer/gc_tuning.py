"""Garbage collector settings for planning: millions of small values without reference cycles."""

import contextlib
import gc
from collections.abc import Iterator

_THRESHOLDS = (100_000, 50, 100)
"""Allocations before a collection, then collections before one of the next generation."""


@contextlib.contextmanager
def relaxed_gc() -> Iterator[None]:
    """Raise the thresholds; with the defaults, a producer spent 20 % of its time collecting."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
