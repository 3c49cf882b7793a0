"""The embedded stack, started once; while it runs, this process has its settings."""

import uuid
from collections.abc import Iterator

import pytest

from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.embedded.stack import Stack, running_stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import Worker, a_shard


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
def separate_fleet(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of another fleet on the same Redis, with its own key prefix."""
    monkeypatch.setenv("FLEET_KEY_PREFIX", f"{uuid.uuid4()}:")
    return Settings.load()


@pytest.fixture
def output() -> str:
    """An output prefix that no other test uses."""
    return f"s3://transcripts/{uuid.uuid4()}/"


@pytest.fixture
def store(stack: Stack) -> S3Store:
    """The stack's object store."""
    return S3Store()


@pytest.fixture
def ledger(settings: Settings) -> LedgerReader:
    """The stack's ledger."""
    return LedgerReader(connect(settings))


@pytest.fixture
def dead_letters(settings: Settings) -> DeadLetters:
    """The dead letters of the settings' fleet."""
    return DeadLetters(connect(settings), settings.key_prefix)


@pytest.fixture
def half_done(settings: Settings, store: S3Store, output: str) -> str:
    """A job of another client; two of its files are finished, and their number is unknown."""
    Worker(settings, store, {}).do(a_shard(output, 0, 1))
    return "by-hand"
