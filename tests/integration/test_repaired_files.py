"""Files without an index whose shard crashed, was sent again, or has invalid entries."""

import pytest

from funasr_fleet import close
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.worker.app.publish import split
from funasr_fleet.worker.events import FileFinished
from tests.support.messages import Worker, a_shard, documents
from tests.support.unindexed_files import (
    BAD,
    JOB,
    fail_invalid_entries,
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


def test_a_dead_letter_after_a_success_is_counted(
    store: S3Store, good: Worker, output: str
) -> None:
    shard = a_shard(output, 1, files=[BAD, {"audio": "s3://audio/b.wav", "end_ms": -1}])
    for is_dead in (False, True):
        reporter = good.begin(shard)
        fail_invalid_entries(reporter)
        if is_dead:
            reporter.give_up([AudioRef(**BAD)], "its worker crashed", "poison")
            reporter.end_replaced_and_close_job()
        else:
            good.finish(reporter, reporter.shard.files[0])
            reporter.end()
    good.do(a_shard(output, 0, job_files=1))
    assert failures_in_report(store, output) == ["missing.wav", "b.wav"]


def test_a_skipped_file_does_not_take_the_record_of_an_invalid_entry_of_its_name(
    store: S3Store, good: Worker, output: str
) -> None:
    shard = a_shard(output, 1, files=[{**BAD, "end_ms": -1}, {**BAD, "channel": 1}])
    for _ in range(2):
        reporter = good.begin(shard)
        fail_invalid_entries(reporter)
        (ref,) = reporter.shard.files
        skipped = FileFinished(
            shard=reporter.shard.shard,
            job=JOB,
            audio=ref.audio,
            index=None,
            outcome="skipped",
            audio_s=0,
            seconds=0,
        )
        reporter.record(ref, skipped)
        reporter.end()
    good.do(a_shard(output, 0, job_files=1))
    assert shown(store, output) == ("complete", 2, 1)


def test_an_entry_without_a_name_stays_failed(store: S3Store, good: Worker, output: str) -> None:
    nameless = {"audio": "s3://audio/x.wav", "relative": "../x"}
    reporter = good.begin(a_shard(output, 1, files=[{**BAD, "index": 0}, nameless]))
    fail_invalid_entries(reporter)
    good.finish(reporter, reporter.shard.files[0])
    reporter.end()
    with pytest.raises(CannotClose, match="no valid name, so send the files in another job"):
        close(JOB, files=1)


def test_an_invalid_entry_is_repaired_by_a_part_of_the_repaired_shard(
    store: S3Store, good: Worker, output: str
) -> None:
    reporter = good.begin(a_shard(output, 1, files=[{**BAD, "index": -1}]))
    fail_invalid_entries(reporter)
    reporter.end()
    for part in parts_of(a_shard(output, 1, files=[{**BAD, "index": 0}])):
        good.do(part)
    assert close(JOB, files=1).complete
    assert "_SUCCESS" in documents(store, output)


def test_a_repaired_shard_may_crash_again(
    store: S3Store, good: Worker, bad: Worker, output: str
) -> None:
    (part,) = parts_of(a_shard(output, 1, files=[BAD]))
    bad.do(part)
    (again,) = parts_of(a_shard(output, 1, files=[{**BAD, "index": 0}]))
    good.do(again)
    assert close(JOB, files=1).complete
    assert "_SUCCESS" in documents(store, output)
