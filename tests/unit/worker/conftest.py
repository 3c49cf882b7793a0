"""What most tests of the worker begin with."""

import pytest

from tests.support.fake_pipeline import Workbench


@pytest.fixture
def bench() -> Workbench:
    """An empty store, an engine with its script, and nobody who has said anything yet."""
    return Workbench()
