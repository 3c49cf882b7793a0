"""One running stack and one finished job, shared by all tests that only read from them."""

import json
from collections.abc import Iterator

import pytest

from tests.support.fleet_up import SAMPLES, Up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Broker, object store and one worker on the CPU."""
    running = Up.start(tmp_path_factory.mktemp("up") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def job(up: Up) -> str:
    """A finished job over the samples; its results are below s3://transcripts/job/."""
    where = ("--upload", "s3://audio/job/", "--output", "s3://transcripts/job/")
    options = ("--timestamps", "word", "--job", "acceptance", "--json")
    done = up.fleet("enqueue", str(SAMPLES), *where, *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["enqueued"] >= 12
    up.wait_for_job("acceptance")
    return "acceptance"
