"""Fixtures of the worker's tests."""

import pytest

from tests.support.fake_pipeline import Workbench


@pytest.fixture
def bench() -> Workbench:
    """A workbench with an empty store, a scripted engine and no events."""
    return Workbench()
