"""One running stack for all tests that only use it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.fleet import Up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Broker, object store and one worker on the CPU."""
    running = Up.start(tmp_path_factory.mktemp("up") / "data")
    yield running
    running.stop()
