"""A job of another client with a file that has no index is never complete."""

import pytest

from funasr_fleet import close, status
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.cli.exits import Exit, exit_of
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import Worker, a_shard, documents, wipe
from tests.support.reported_state import said_by_all

JOB = "by-hand"
FIRST = {"audio": "s3://audio/0.wav", "index": 0}
OTHER = {"audio": "s3://audio/other.wav"}


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def worker(settings: Settings, store: S3Store) -> Worker:
    return Worker(settings, store, {})


@pytest.mark.parametrize("entry", [OTHER, {**OTHER, "index": -1}, {**OTHER, "end_ms": -1}])
@pytest.mark.parametrize("declared_first", [False, True])
def test_its_state_is_unknown_and_it_cannot_be_closed(
    settings: Settings,
    store: S3Store,
    worker: Worker,
    output: str,
    entry: dict[str, object],
    declared_first: bool,
) -> None:
    shards = [
        a_shard(output, 0, files=[FIRST], job_files=1, shard="a"),
        a_shard(output, 1, files=[entry], shard="b"),
    ]
    for shard in shards if declared_first else reversed(shards):
        worker.do(shard)
    found = status(JOB)
    assert (found.progress.state, exit_of(found)) == ("unknown", Exit.UNREACHABLE)
    assert "have no index" in str(found.to_json()["note"])
    assert not any(said_by_all(settings, JOB)[0].values())
    for files in (None, 1, 2):
        with pytest.raises(CannotClose, match="have no index, so their outcomes are not counted"):
            close(JOB, files=files)
    assert documents(store, output) == set()


@pytest.mark.parametrize("job_files", [None, 1])
def test_its_failure_in_s3_is_found_when_redis_has_lost_the_job(
    settings: Settings, store: S3Store, worker: Worker, output: str, job_files: int | None
) -> None:
    Worker(settings, store, {0: "failed"}).do(a_shard(output, 1, files=[OTHER], shard="b"))
    wipe(settings)
    declared = {"job_files": job_files} if job_files else {}
    worker.do(a_shard(output, 0, files=[FIRST], shard="a", **declared))
    assert status(JOB).progress.state == "unknown"
    with pytest.raises(CannotClose, match="have no index"):
        close(JOB, files=1)
    assert documents(store, output) == set()


def test_an_index_that_is_not_counted_is_like_a_missing_one(
    store: S3Store, worker: Worker, output: str
) -> None:
    worker.do(a_shard(output, 0, files=[FIRST], job_files=1, shard="a"))
    worker.do(a_shard(output, 1, files=[{**OTHER, "index": 1 << 20}], shard="b"))
    assert status(JOB).progress.state == "unknown"
    assert documents(store, output) == set()


def test_a_job_that_was_planned_meanwhile_has_indexes(
    settings: Settings, worker: Worker, output: str
) -> None:
    worker.do(a_shard(output, 1, files=[OTHER], shard="b"))
    writer = JobWriter(connect(settings), settings.key_prefix)
    writer.rebuild(JOB, output, at=1.0, request="digest", queue="fleet")
    assert not status(JOB).counts.unindexed


def test_a_repetition_with_an_index_is_counted_in_another_job(
    store: S3Store, worker: Worker, output: str
) -> None:
    worker.do(a_shard(output, 0, files=[FIRST, OTHER], job_files=1))
    files = [FIRST, {**OTHER, "index": 1}]
    worker.do(a_shard(output, 0, files=files, job_files=2, job="again", shard="again"))
    assert status("again").progress.state == "complete"
    assert status(JOB).progress.state == "unknown"


def test_a_job_is_not_closed_while_a_shard_is_open(
    settings: Settings, store: S3Store, worker: Worker, output: str
) -> None:
    worker.do(a_shard(output, 0, job_files=1, shard="a"))
    writer = JobWriter(connect(settings), settings.key_prefix)
    rounds = status(JOB).counts.rounds
    reporter = worker.begin(a_shard(output, 0, shard="b"))
    assert not writer.close(JOB, 60, status(JOB).counts.rounds)
    worker.finish(reporter, reporter.shard.files[0])
    reporter.end()
    assert status(JOB).progress.state == "complete"
    assert not writer.close(JOB, 60, rounds)
