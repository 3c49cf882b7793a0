"""Jobs sent by another Celery client end when their number of files is known."""

import json
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import cancel, close, list_jobs, reconcile, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.ledger.values import KEEP_S
from funasr_fleet.cli.exits import Exit, exit_for, exit_of
from funasr_fleet.cli.jobs import close as close_command
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.examples import invoke
from tests.support.messages import (
    FILES,
    Worker,
    a_shard,
    documents,
    drain,
    enqueued,
    envelope,
    push,
    shard_body,
    shards_waiting,
    task_headers,
    wipe,
)


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def worker(settings: Settings, store: S3Store) -> Worker:
    return Worker(settings, store, {})


@pytest.mark.parametrize("position", [0, 1], ids=["first", "last"])
def test_a_job_whose_shards_say_how_many_files_it_has_ends_by_itself(
    settings: Settings, worker: Worker, store: S3Store, output: str, position: int
) -> None:
    shards = [a_shard(output, 0, 1), a_shard(output, 2, 3)]
    shards[position]["job_files"] = 4
    worker.do(shards[0])
    now = status("by-hand", settings)
    assert now.progress.state == ("running" if position == 0 else "unknown")
    assert now.waiting == (2 if position == 0 else None)
    assert documents(store, output) == set()
    worker.do(shards[1])
    now = status("by-hand", settings)
    assert (now.progress.state, now.counts.files, now.waiting) == ("complete", 4, 0)
    assert documents(store, output) == {"report.json", "failures.jsonl", "_SUCCESS"}
    written = json.loads(store.read(f"{output}_jobs/by-hand/report.json"))
    assert (written["files"], written["outcomes"]["ok"], written["whole"]) == (4, 4, True)
    assert exit_of(now) is Exit.OK


def test_a_job_with_failed_files_has_no_success_marker(
    settings: Settings, store: S3Store, output: str
) -> None:
    Worker(settings, store, {1: "failed"}).do(a_shard(output, 0, 1, job_files=2))
    now = status("by-hand", settings)
    assert (now.progress.state, exit_of(now)) == ("complete", Exit.SOME_FAILED)
    assert documents(store, output) == {"report.json", "failures.jsonl"}


def keys_that_expire(settings: Settings) -> list[str]:
    """The keys of the jobs; checks that each has an expiry."""
    redis: Any = connect(settings)
    keys = [key for key in redis.keys(f"{settings.key_prefix}fleet:job:*") if "closing" not in key]
    assert {key: redis.ttl(key) for key in keys if not 0 < redis.ttl(key) <= KEEP_S} == {}
    return keys


def test_its_keys_expire_after_the_last_shard(
    settings: Settings, store: S3Store, worker: Worker, output: str
) -> None:
    Worker(settings, store, {1: "failed"}).do(a_shard(output, 0, 1))
    worker.begin(a_shard(output, 2)).suspend("disk_full", "No space left")
    redis: Any = connect(settings)
    base = f"{settings.key_prefix}fleet:job:by-hand"
    names = {key.removeprefix(f"{base}:") for key in keys_that_expire(settings)}
    assert {"postponed", "shards", "kind:undecodable_audio"} <= names
    redis.delete(base)
    assert not close("by-hand", files=3, output=output).complete
    redis.delete(*keys_that_expire(settings))  # as if they had expired
    assert list_jobs(settings) == []


def test_a_shard_after_the_end_reopens_the_job(
    settings: Settings, worker: Worker, store: S3Store, output: str
) -> None:
    worker.do(a_shard(output, 0, job_files=1))
    assert status("by-hand", settings).progress.state == "complete"
    assert "_SUCCESS" in documents(store, output)
    worker.begin(a_shard(output, 1))
    assert "_SUCCESS" not in documents(store, output)
    during = status("by-hand", settings)
    assert (during.progress.state, during.counts.closed_at) == ("running", None)
    worker.do(a_shard(output, 1))
    now = status("by-hand", settings)
    assert now.progress.state == "unknown"
    assert "fleet close by-hand --files N" in str(now.note)
    assert close("by-hand", files=2).complete
    assert json.loads(store.read(f"{output}_jobs/by-hand/report.json"))["files"] == 2


def test_a_job_is_closed_with_its_number_of_files(
    settings: Settings, worker: Worker, store: S3Store, half_done: str, output: str
) -> None:
    told = invoke(close_command, half_done, "--files", "4")
    assert (told.exit_code, "4 files, 2 without an outcome" in told.output) == (0, True)
    assert status(half_done, settings).progress.state == "running"
    assert documents(store, output) == set()
    worker.do(a_shard(output, 2, 3))
    assert status(half_done, settings).progress.state == "complete"
    assert "_SUCCESS" in documents(store, output)
    assert "4 files, 0 failed" in invoke(close_command, half_done, "--files", "4").output


def test_a_job_without_a_number_is_closed_only_when_nothing_waits(
    settings: Settings, worker: Worker, store: S3Store, half_done: str, output: str
) -> None:
    push(settings, envelope(shard_body(a_shard(output, 2, 3)), task_headers()))
    with pytest.raises(CannotClose, match="1 message not finished"):
        close(half_done)
    assert drain(settings, 1) == 1
    reporter = worker.begin(a_shard(output, 2, 3))
    with pytest.raises(CannotClose, match="1 shard of job by-hand not finished"):
        close(half_done)
    assert status(half_done, settings).progress.state == "unknown"
    for ref in reporter.shard.files:
        worker.finish(reporter, ref)
    reporter.end()
    closed = close(half_done)
    assert (closed.complete, closed.files, closed.closed_at is None) == (True, 4, False)
    assert "report.json" in documents(store, output)


@pytest.mark.parametrize(
    ("indexes", "files", "reason"),
    [
        ((0, 2), None, "no outcome for the file with the index 1"),
        ((5,), 5, "pass at least 6 as the number of files"),
    ],
)
def test_a_job_is_not_closed_with_a_wrong_number_of_files(
    settings: Settings,
    worker: Worker,
    output: str,
    indexes: tuple[int, ...],
    files: int | None,
    reason: str,
) -> None:
    worker.do(a_shard(output, *indexes))
    with pytest.raises(CannotClose, match=reason) as caught:
        close("by-hand", files=files)
    assert exit_for(caught.value) is Exit.WRONG_USAGE
    assert status("by-hand", settings).progress.state == "unknown"


def test_jobs_of_fleet_enqueue_are_not_closed_even_after_a_loss(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = enqueued(output, tmp_path / "a.jsonl")
    with pytest.raises(CannotClose, match="sent by `fleet enqueue`"):
        close(job, files=2)
    first, *_ = shards_waiting(settings)
    drain(settings, FILES)
    wipe(settings)
    Worker(settings, store, {}).do(first)
    with pytest.raises(
        CannotClose, match=f"has a plan in S3: rebuild it with `fleet reconcile {job}"
    ):
        close(job, files=2)
    assert status(job, settings).progress.state == "unknown"
    assert [one.job for one in list_jobs(settings)] == [job]
    reconcile(job, settings=settings)
    redis: Any = connect(settings)
    keys = redis.keys(f"{settings.key_prefix}fleet:job:{job}*")
    assert {redis.ttl(key) for key in keys} == {-1}
    assert status(job, settings).progress.state == "running"


def test_a_cancelled_job_is_not_closed(settings: Settings, half_done: str) -> None:
    cancel(half_done, settings)
    with pytest.raises(CannotClose, match="was cancelled"):
        close(half_done, files=2)
