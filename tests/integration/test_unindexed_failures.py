"""A job with a failed file without an index is never complete without a failure."""

import json
from typing import Any

import pytest

from funasr_fleet import close, status
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_record import RecordedError
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.worker.app.publish import split
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from tests.support.messages import Worker, a_shard, documents

BAD = {"audio": "s3://audio/missing.wav"}
JOB = "by-hand"


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


def fail_invalid_entries(reporter: ShardReporter) -> None:
    for entry in reporter.invalid:
        failed = FileFinished.of_failure(
            reporter.shard, entry.audio, entry.index, "model_error", entry.reason
        )
        reporter.record(entry, failed)


def test_a_job_with_an_invalid_index_is_not_closed(
    store: S3Store, good: Worker, output: str
) -> None:
    first = {"audio": "s3://audio/0.wav", "index": 0}
    reporter = good.begin(a_shard(output, 0, files=[first, {**BAD, "index": -1}]))
    fail_invalid_entries(reporter)
    good.finish(reporter, reporter.shard.files[0])
    reporter.end()
    with pytest.raises(CannotClose, match="has no index"):
        close(JOB)
    assert documents(store, output) == set()


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


def parts_of(shard: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages that replace a shard that crashed its worker."""
    return [part.to_message() for part in split(Shard.from_message(shard))]


def failures_in_report(store: S3Store, output: str) -> list[str]:
    rows = store.read(job_uri(output, JOB, "failures.jsonl")).splitlines()
    return [json.loads(row)["relative"] for row in rows]


@pytest.mark.parametrize("name", ["s", "s.0", 170 * "s", "夜班录音" * 8])
def test_a_part_of_a_crashed_shard_is_repaired_by_the_whole_shard(
    store: S3Store, good: Worker, bad: Worker, output: str, name: str
) -> None:
    (part,) = parts_of(a_shard(output, 1, files=[BAD], shard=name))
    bad.do(part)
    with pytest.raises(CannotClose, match="has no index"):
        close(JOB, files=1)
    good.do(a_shard(output, 1, files=[{**BAD, "index": 0}], shard=name))
    assert close(JOB, files=1).complete
    assert "_SUCCESS" in documents(store, output)


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


def test_a_failure_of_a_part_and_of_its_whole_shard_is_counted_once(
    store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    shard = a_shard(output, 1, files=[BAD, {"audio": "s3://audio/other.wav"}])
    for part in parts_of(shard):
        bad.do(part)
    bad.do(shard)
    good.do(a_shard(output, 0, job_files=1))
    assert shown(store, output) == ("complete", 3, 2)
    good.do(shard)
    assert shown(store, output) == ("complete", 1, 0)


def test_an_invalid_entry_is_not_hidden_by_the_part_of_a_file_with_its_name(
    store: S3Store, good: Worker, output: str
) -> None:
    another = {"audio": "s3://audio/another.wav", "relative": "missing.wav"}
    shard = a_shard(output, 1, files=[BAD, another])
    reporter = good.begin(shard)
    fail_invalid_entries(reporter)
    reporter.write_records()
    for part in split(reporter.shard):
        good.do(part.to_message())
    reporter.end_replaced_and_close_job()
    good.do(a_shard(output, 0, job_files=1))
    assert shown(store, output) == ("complete", 2, 1)


def test_a_dead_lettered_file_is_not_hidden_by_an_invalid_entry(
    store: S3Store, good: Worker, output: str
) -> None:
    invalid = {"audio": "s3://audio/b.wav", "index": 0, "end_ms": -1}
    reporter = good.begin(a_shard(output, 1, files=[BAD, invalid]))
    fail_invalid_entries(reporter)
    reporter.give_up([AudioRef(**BAD)], "its worker crashed", "poison")
    reporter.end_replaced_and_close_job()
    good.do(a_shard(output, 0, job_files=1, shard="again"))
    assert shown(store, output) == ("complete", 2, 2)
    assert failures_in_report(store, output) == ["b.wav", "missing.wav"]


def test_a_file_that_is_not_sent_again_is_still_failed(
    store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    other = {"audio": "s3://audio/other.wav"}
    bad.do(a_shard(output, 1, files=[BAD, other]))
    good.do(a_shard(output, 1, files=[{**other, "index": 0}], job_files=1))
    assert shown(store, output) == ("complete", 2, 1)
    assert failures_in_report(store, output) == ["missing.wav"]


def test_a_repaired_shard_may_crash_again(
    store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    (part,) = parts_of(a_shard(output, 1, files=[BAD]))
    bad.do(part)
    (again,) = parts_of(a_shard(output, 1, files=[{**BAD, "index": 0}]))
    good.do(again)
    assert close(JOB, files=1).complete
    assert "_SUCCESS" in documents(store, output)


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


def shown(store: S3Store, output: str) -> tuple[str, int, int]:
    """(state, files, failed files) of the job, which its report has too."""
    found = status(JOB)
    document = json.loads(store.read(job_uri(output, JOB, "report.json")))
    numbers = (found.counts.files, found.progress.failed)
    assert (document["files"], document["outcomes"]["failed"]) == numbers
    assert document["finished_at"] is not None
    return found.progress.state, *numbers


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
