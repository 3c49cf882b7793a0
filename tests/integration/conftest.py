"""The embedded stack, started once; its settings are this process's while it runs."""

from collections.abc import Iterator

import pytest

from contract.ledger import Ledger, connect
from contract.s3 import S3Store
from contract.settings import Settings
from local.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A broker and an object store with the buckets audio, transcripts and forbidden."""
    directory = tmp_path_factory.mktemp("stack")
    with (
        running_stack(directory, buckets=("audio", "transcripts", "forbidden")) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {**running.environment, "FLEET_MODEL": "demo"}.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
def settings(stack: Stack) -> Settings:
    """Settings that name the stack."""
    return Settings.load()


@pytest.fixture
def store(stack: Stack) -> S3Store:
    """The stack's object store."""
    return S3Store()


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    """The stack's ledger."""
    return Ledger(connect(settings))
