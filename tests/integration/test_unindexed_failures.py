"""A job with a failed file without an index is never complete without a failure."""

import json

import pytest

from funasr_fleet import close, status
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_record import RecordedError
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import Worker, a_shard, documents
from tests.support.unindexed_files import (
    BAD,
    JOB,
    failures_in_report,
    parts_of,
    shown,
)


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def good(settings: Settings, store: S3Store) -> Worker:
    return Worker(settings, store, {})


@pytest.fixture
def bad(settings: Settings, store: S3Store) -> Worker:
    """Its only file without an index fails."""
    return Worker(settings, store, {0: "failed"})


@pytest.mark.parametrize("files", [None, 1])
def test_a_job_is_not_closed_until_the_file_has_an_index(
    store: S3Store, good: Worker, bad: Worker, output: str, files: int | None
) -> None:
    good.do(a_shard(output, 0))
    bad.do(a_shard(output, 1, files=[BAD]))
    with pytest.raises(CannotClose, match=r"'missing\.wav' of job by-hand failed .* no index"):
        close(JOB, files=files)
    assert status(JOB).progress.state == "unknown"
    good.do(a_shard(output, 1, files=[{**BAD, "index": 1}]))
    assert close(JOB, files=files and 2).complete
    assert documents(store, output) == {"report.json", "failures.jsonl", "_SUCCESS"}


def test_a_job_with_a_declared_number_of_files_ends_without_the_success_marker(
    store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    bad.do(a_shard(output, 1, files=[BAD]))
    good.do(a_shard(output, 0, job_files=1))
    assert documents(store, output) == {"report.json", "failures.jsonl"}
    (row,) = store.read(job_uri(output, JOB, "failures.jsonl")).splitlines()
    failure = json.loads(row)
    assert (failure["index"], failure["relative"]) == (None, "missing.wav")
    assert failure["error"]["kind"] == "undecodable_audio"
    assert shown(store, output) == ("complete", 2, 1)
    good.do(a_shard(output, 1, files=[BAD]))
    assert "_SUCCESS" in documents(store, output)
    assert shown(store, output) == ("complete", 1, 0)
    assert store.read(job_uri(output, JOB, "failures.jsonl")) == b""


def test_a_job_is_not_closed_while_a_shard_is_open(
    settings: Settings, store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    good.do(a_shard(output, 0, job_files=1))
    writer = JobWriter(connect(settings), settings.key_prefix)
    rounds = status(JOB).counts.rounds
    reporter = bad.begin(a_shard(output, 1, files=[BAD]))
    assert not writer.close(JOB, 60, status(JOB).counts.rounds, 0)
    bad.finish(reporter, reporter.shard.files[0])
    reporter.end()
    assert shown(store, output) == ("complete", 2, 1)
    assert not writer.close(JOB, 60, rounds, 0)


def test_a_job_with_a_dead_lettered_file_ends_without_the_success_marker(
    store: S3Store, good: Worker, output: str
) -> None:
    reporter = good.begin(a_shard(output, 1, files=[BAD]))
    reporter.give_up([AudioRef(**BAD)], "its worker crashed", "model_error")
    reporter.end_replaced_and_close_job()
    good.do(a_shard(output, 0, job_files=1))
    assert documents(store, output) == {"report.json", "failures.jsonl"}
    row = json.loads(store.read(job_uri(output, JOB, "failures.jsonl")))
    assert (
        row["error"] == RecordedError(kind="model_error", message="its worker crashed").model_dump()
    )


@pytest.mark.parametrize("name", ["s", "s.0", "s.1", "other"])
def test_the_failure_of_a_file_is_not_hidden_by_a_file_of_another_shard(
    store: S3Store, good: Worker, bad: Worker, output: str, name: str
) -> None:
    """The files have the same name, but other audio."""
    good.do(a_shard(output, 1, files=[{**BAD, "audio": "s3://audio/b/missing.wav"}], shard="calls"))
    bad.do(a_shard(output, 1, files=[BAD], shard=name.replace("s", "calls")))
    if name == "s":  # a later delivery of the same shard
        bad.do(a_shard(output, 1, files=[BAD], shard="calls"))
    good.do(a_shard(output, 0, job_files=1))
    assert shown(store, output) == ("complete", 2, 1)
    assert failures_in_report(store, output) == ["missing.wav"]


def test_a_dead_lettered_file_is_not_hidden_by_a_file_of_another_shard(
    store: S3Store, good: Worker, output: str
) -> None:
    good.do(a_shard(output, 1, files=[BAD], shard="other"))
    reporter = good.begin(a_shard(output, 1, files=[BAD]))
    reporter.give_up([AudioRef(**BAD)], "its worker crashed", "model_error")
    reporter.end_replaced_and_close_job()
    good.do(a_shard(output, 0, job_files=1))
    assert shown(store, output) == ("complete", 2, 1)


def test_a_failure_that_is_newer_than_a_success_is_counted(
    store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    shard = a_shard(output, 1, files=[BAD])
    good.do(shard)
    (part,) = parts_of(shard)
    bad.do(part)
    good.do(a_shard(output, 0, job_files=1))
    assert shown(store, output) == ("complete", 2, 1)


@pytest.mark.parametrize("fails_between", [False, True])
def test_a_file_that_is_not_sent_again_is_still_failed(
    store: S3Store, good: Worker, bad: Worker, output: str, fails_between: bool
) -> None:
    other = {"audio": "s3://audio/other.wav"}
    bad.do(a_shard(output, 1, files=[BAD, other]))
    if fails_between:
        bad.do(a_shard(output, 1, files=[other]))
    good.do(a_shard(output, 1, files=[{**other, "index": 0}], job_files=1))
    assert shown(store, output) == ("complete", 2, 1)
    assert failures_in_report(store, output) == ["missing.wav"]
