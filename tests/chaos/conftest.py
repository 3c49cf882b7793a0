"""Servers with fault injection, and two workers.

Most of the time is spent waiting, so two tests run at the same time (pytest-xdist), each with
its own servers and workers; their notes are printed with their reports.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bench.faults.broker import RestartableBroker
from bench.faults.storage import HEALTHY, Storage, faulty_storage
from funasr_fleet.embedded.stack import Stack, running_stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.chaos.fleet import LIMITS, Fleet
from tests.chaos.jobs import Job, begin, upload, write_manifest
from tests.chaos.recordings import SPOKEN, sample, slow

_NOTE = "note"


class NotePrinter:
    """Prints the notes of tests, in the reporting process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        lines = [str(line) for name, line in report.user_properties if name == _NOTE]
        if terminal and lines and report.when == "teardown":
            terminal.write_line(f"\n{report.nodeid.rpartition('::')[2]}")
            for line in lines:
                terminal.write_line(f"  {line}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NotePrinter(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first."""
    items.sort(key=lambda item: "whole_job" not in item.nodeid)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    with (
        running_stack(directory, buckets=("audio", "transcripts")) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {**running.environment, "FLEET_MODEL": "demo", **LIMITS}.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="session")
def broker(stack: Stack) -> Iterator[RestartableBroker]:
    with RestartableBroker(stack) as restartable:
        yield restartable


@pytest.fixture(scope="session")
def _storage(stack: Stack) -> Iterator[Storage]:
    with faulty_storage(stack.environment["AWS_ENDPOINT_URL_S3"]) as running:
        yield running


@pytest.fixture
def storage(_storage: Storage) -> Iterator[Storage]:
    """The S3 proxy of the workers; its faults are removed after each test."""
    yield _storage
    _storage.weather = HEALTHY


@pytest.fixture(scope="session")
def fleet(
    stack: Stack,
    broker: RestartableBroker,
    _storage: Storage,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    """Members are started when tests ask for them, and kept for the next test."""
    environment = {**stack.environment, "AWS_ENDPOINT_URL_S3": _storage.url, **LIMITS}
    directory = tmp_path_factory.mktemp("fleet")
    with Fleet(environment, ("127.0.0.1", broker.port), directory) as members:
        yield members


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return Settings.load()


@pytest.fixture
def store(stack: Stack) -> S3Store:
    return S3Store()


@pytest.fixture(scope="session")
def spoken(stack: Stack) -> list[str]:
    """Addresses of a few short recordings."""
    return list(upload(S3Store(), {name: sample(name) for name in SPOKEN}).values())


@pytest.fixture
def begin_slow(
    fleet: Fleet, settings: Settings, store: S3Store, manifest: Path
) -> Callable[[float, Sequence[str], int], Job]:
    """Enqueues files with these names; arguments: seconds per file, names, files per shard."""

    def enqueue(seconds: float, names: Sequence[str], shard_files: int) -> Job:
        (audio,) = upload(store, {"slow": slow(seconds)}).values()
        rows = write_manifest(manifest, [(name, audio) for name in names])
        return begin(fleet, settings, rows, shard_files)

    return enqueue


@pytest.fixture
def add_note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Add a note that is printed after the test."""
    notes: list[tuple[str, object]] = request.node.user_properties
    return lambda line: notes.append((_NOTE, line))


@pytest.fixture(autouse=True)
def _report_idle_children(
    request: pytest.FixtureRequest, add_note: Callable[[str], None]
) -> Iterator[None]:
    """Print the state of Celery's pool at each replacement of idle children."""
    if "fleet" not in request.fixturenames:
        yield
        return
    fleet: Fleet = request.getfixturevalue("fleet")
    known = {line for one in fleet.members for line in one.replaced_idle_children()}
    yield
    for one in fleet.members:
        for line in one.replaced_idle_children():
            if line not in known:
                add_note(f"{one.name}: {line}")


@pytest.fixture
def report_duration(add_note: Callable[[str], None]) -> Callable[[str, float], None]:
    return lambda what, seconds: add_note(f"{what}: {seconds:.1f} s")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"
