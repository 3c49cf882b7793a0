"""A web server for each test."""

from collections.abc import Iterator

import pytest

from tests.support.web import WebHost, serving


@pytest.fixture
def host() -> Iterator[WebHost]:
    with serving() as running:
        yield running
