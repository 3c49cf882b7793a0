"""What all tests share."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")  # how long an example takes says nothing of it here


def pytest_configure(config: pytest.Config) -> None:
    """A worker compiles its fast paths for itself, which takes longer than all else; share them."""
    cache = config.cache
    assert cache
    compiled = cache.mkdir("compiled")
    compiled.chmod(0o700)  # a worker refuses one that others can write to
    os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled))
