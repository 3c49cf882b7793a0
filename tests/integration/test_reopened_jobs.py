"""Jobs of other Celery clients: reopening, lost keys and shards, and the list of jobs."""

import json
from typing import Any

import pytest

from funasr_fleet import close, list_jobs, status
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.shared_lua import UNDECLARED_LISTED
from funasr_fleet.cli.results import report as report_command
from funasr_fleet.cli.status_view import line
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.examples import invoke
from tests.support.messages import (
    Worker,
    a_shard,
    documents,
    drain,
    envelope,
    push,
    shard_body,
    task_headers,
)


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def worker(settings: Settings, store: S3Store) -> Worker:
    return Worker(settings, store, {})


def test_after_a_loss_the_number_of_files_must_be_given(
    settings: Settings, worker: Worker, store: S3Store, output: str
) -> None:
    Worker(settings, store, {1: "failed"}).do(a_shard(output, 0, 1))
    redis: Any = connect(settings)
    base = f"{settings.key_prefix}fleet:job:by-hand"
    redis.delete(f"{base}:failed")
    with pytest.raises(CannotClose, match="Redis has lost data of job by-hand"):
        close("by-hand")
    redis.delete(base)
    with pytest.raises(CannotClose, match="Redis has lost data of job by-hand"):
        close("by-hand", output=output)
    now = close("by-hand", files=2, output=output)
    assert (now.complete, now.waiting) == (False, 1)
    assert documents(store, output) == set()


def test_a_declared_job_that_lost_outcomes_ends_after_its_files_are_sent_again(
    settings: Settings, worker: Worker, store: S3Store, output: str
) -> None:
    worker.do(a_shard(output, 0, 1, job_files=2))
    redis: Any = connect(settings)
    redis.delete(f"{settings.key_prefix}fleet:job:by-hand:ok")
    note = status("by-hand", settings).note
    assert note
    assert "send its files again" in note
    assert "`fleet close by-hand --files 2`" in note
    assert close("by-hand", files=2).waiting == 2
    assert "_SUCCESS" not in documents(store, output)
    worker.do(a_shard(output, 0, 1))
    assert status("by-hand", settings).progress.state == "complete"
    assert "_SUCCESS" in documents(store, output)


def test_a_larger_number_reopens_a_closed_job(
    settings: Settings, worker: Worker, store: S3Store, output: str
) -> None:
    worker.do(a_shard(output, 0, job_files=1))
    now = close("by-hand", files=2)
    assert (now.complete, now.closed_at, now.waiting) == (False, None, 1)
    assert "_SUCCESS" not in documents(store, output)
    worker.do(a_shard(output, 1))
    assert status("by-hand", settings).counts.closed_at
    assert "_SUCCESS" in documents(store, output)


def test_a_marker_that_a_killed_worker_left_is_deleted_by_the_next(
    settings: Settings, worker: Worker, store: S3Store, output: str
) -> None:
    worker.do(a_shard(output, 0, job_files=1))
    redis, shard = connect(settings), a_shard(output, 1)
    writer = OutcomeWriter(redis, settings.key_prefix)
    assert writer.begin_shard("by-hand", shard["shard"], 1, output=output) == output
    assert "_SUCCESS" in documents(store, output)
    worker.begin(shard)
    assert "_SUCCESS" not in documents(store, output)
    assert writer.begin_shard("by-hand", shard["shard"], 1, output=output) is None


def test_a_file_that_fails_after_the_end_of_its_job_removes_the_marker(
    settings: Settings, worker: Worker, store: S3Store, output: str
) -> None:
    reporter = Worker(settings, store, {0: "failed"}).begin(a_shard(output, 0))
    reporter.suspend()  # its worker is cut off
    close("by-hand", files=1)
    JobWriter(connect(settings), settings.key_prefix).drop_unclaimed_shards("by-hand", "none:")
    worker.do(a_shard(output, 0))
    assert "_SUCCESS" in documents(store, output)
    Worker(settings, store, {0: "failed"}).finish(reporter, reporter.shard.files[0])
    assert status("by-hand", settings).counts.closed_at is None
    assert "_SUCCESS" not in documents(store, output)


def test_a_shard_whose_message_is_lost_keeps_the_job_open_until_it_is_closed_again(
    settings: Settings, worker: Worker, store: S3Store, half_done: str, output: str
) -> None:
    worker.begin(a_shard(output, 1))  # a duplicate whose worker and message are lost
    push(settings, envelope(shard_body(a_shard(output, 7)), task_headers()))
    now = close(half_done, files=2)
    assert (now.waiting, now.open_shards, now.complete) == (0, 1, False)
    shown = status(half_done, settings)
    assert "waiting for 1 shard to end" in line(shown)
    assert drain(settings, 1) == 1
    assert close(half_done, files=2).complete
    assert "_SUCCESS" in documents(store, output)


def test_only_the_newest_jobs_without_a_number_are_listed(
    settings: Settings, worker: Worker, output: str
) -> None:
    writer = OutcomeWriter(connect(settings), settings.key_prefix)
    for number in range(UNDECLARED_LISTED + 3):
        writer.begin_shard(f"job-{number:03}", "s", 1, output=output)
    names = [one.job for one in list_jobs(settings)]
    assert names == [f"job-{n:03}" for n in range(UNDECLARED_LISTED + 2, 2, -1)]
    close("job-050", files=1, settings=settings)
    writer.begin_shard("job-000", "s", 1, output=output, job_files=1)
    writer.begin_shard("new", "s", 1, output=output)
    names = [one.job for one in list_jobs(settings)]
    assert {"job-000", "job-050", "new"} < {*names}
    assert len(names) == UNDECLARED_LISTED + 2
    assert status("job-001", settings).progress.state == "unknown"


def test_a_job_that_never_said_how_many_files_it_has_is_unfinished_while_a_shard_is_open(
    settings: Settings, worker: Worker, half_done: str, output: str
) -> None:
    ledger = LedgerReader(connect(settings), settings.key_prefix)
    assert ledger.open_jobs_of(output) == []
    worker.begin(a_shard(output, 2))
    assert ledger.open_jobs_of(output) == [half_done]


def test_commands_name_the_way_out_of_an_unknown_state(
    settings: Settings, worker: Worker, half_done: str, output: str
) -> None:
    told = invoke(report_command, half_done)
    assert told.exit_code == 3
    assert f"fleet close {half_done} --files N" in told.stderr
    assert json.loads(told.stdout)["whole"] is False
