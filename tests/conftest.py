"""What all tests share."""

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """A worker compiles its fast paths for itself, which takes longer than all else; share them."""
    cache = config.cache
    assert cache
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache.mkdir("compiled")))
