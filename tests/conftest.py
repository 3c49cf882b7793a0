"""Configuration of all tests."""

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")  # no deadline, because the machine may be busy


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment that processes started by tests inherit."""
    # a shell starts background jobs with SIGINT ignored, and commands would not end on Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # compiling the fast paths takes longest; all test processes share the compiled code
    # not below the checkout, which may belong to another user: a worker rejects such a cache
    compiled = Path(tempfile.gettempdir(), f"funasr-fleet-tests-{os.getuid()}")
    compiled.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled))
    # waiting threads must not spin on cores that other test processes need
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
