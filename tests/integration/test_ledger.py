"""The ledger in a real Valkey: recording a file twice does not change the totals."""

import uuid
from typing import Any

import pytest

from funasr_fleet.broker.ledger import JobCounts, JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.job_writer import Restored
from funasr_fleet.broker.ledger.latency import latency_bucket
from funasr_fleet.broker.ledger.values import (
    EXAMPLES_PER_KIND,
    FailureExample,
    FileDetail,
)
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.settings import Settings


@pytest.fixture
def planner(settings: Settings) -> JobWriter:
    return JobWriter(connect(settings))


@pytest.fixture
def recorder(settings: Settings) -> OutcomeWriter:
    return OutcomeWriter(connect(settings))


@pytest.fixture
def job(planner: JobWriter) -> str:
    """A job of three files in one window, one of them already done."""
    name = f"job-{uuid.uuid4()}"
    planner.begin(name, "s3://transcripts/x/", queue="fleet")
    planner.plan(name, 0, 4, 120_000, [3])
    return name


def counts_of(ledger: LedgerReader, job: str) -> JobCounts:
    counts = ledger.counts(job)
    assert counts
    return counts


def outcomes(ledger: LedgerReader, job: str) -> dict[Outcome, int]:
    found = counts_of(ledger, job).outcomes
    return {outcome: count for outcome, count in found.items() if count and outcome != "skipped"}


def test_a_file_delivered_twice_is_counted_once(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    for _ in range(2):
        recorder.record(job, 1, "ok", 5000, detail=FileDetail(seconds=3.0))
    counts = counts_of(ledger, job)
    assert (counts.finished, counts.audio_ms) == (2, 5000)
    assert ledger.latency(job) == {latency_bucket(3.0): 1}
    (minute,) = ledger.minutes(job)
    assert (minute.files, minute.audio_ms, minute.failed) == (1, 5000, 0)


def test_a_window_planned_twice_is_counted_once(
    ledger: LedgerReader, planner: JobWriter, job: str
) -> None:
    for _ in range(2):
        planner.plan(job, 0, 4, 120_000, [3])
        planner.plan(job, 1, 10, 60_000, [])
    counts = counts_of(ledger, job)
    assert (counts.files, counts.estimated_ms) == (14, 180_000)
    assert counts.outcomes["skipped"] == 1


def test_windows_can_be_planned_in_any_order(
    ledger: LedgerReader, planner: JobWriter, job: str
) -> None:
    """A ledger that is lost during planning starts with a later window."""
    for window in (57, 3, 57, 4, 3):
        planner.plan(job, window, 10, 1000, [])
    assert counts_of(ledger, job).files == 4 + 30


def test_the_cursor_keeps_its_saved_position(planner: JobWriter, job: str) -> None:
    assert planner.cursor(job) == (0, 0)
    planner.save_cursor(job, 3, 17)
    assert planner.cursor(job) == (3, 17)


def test_a_failure_is_counted_by_kind_until_a_retry_succeeds(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    detail = FileDetail(kind="undecodable_audio", relative="a.wav", message="no audio")
    for _ in range(2):
        recorder.record(job, 1, "failed", 0, detail=detail)
    assert counts_of(ledger, job).kinds == {"undecodable_audio": 1}
    (example,) = ledger.examples(job)
    assert (example.index, example.relative, example.message) == (1, "a.wav", "no audio")
    recorder.record(job, 1, "ok", 700)
    assert outcomes(ledger, job) == {"ok": 1}
    assert counts_of(ledger, job).audio_ms == 700
    assert counts_of(ledger, job).kinds == {}
    assert ledger.examples(job) == []


def test_only_a_few_examples_of_each_kind_are_kept(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    for index in range(20):
        detail = FileDetail(kind="access_denied", relative=f"{index}.wav")
        recorder.record(job, index, "failed", 0, detail=detail)
    assert counts_of(ledger, job).kinds == {"access_denied": 20}
    assert len(ledger.examples(job)) == EXAMPLES_PER_KIND


def test_skipping_an_existing_result_keeps_the_original_outcome(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    recorder.record(job, 1, "empty", 5000)
    recorder.record(job, 1, "skipped", 0)
    recorder.record(job, 2, "skipped", 0)
    assert outcomes(ledger, job) == {"empty": 1}
    assert counts_of(ledger, job).outcomes["skipped"] == 2


def test_an_abandoned_file_that_had_succeeded_is_not_a_failure(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    recorder.record(job, 1, "failed", 0, only_first=True)
    recorder.record(job, 1, "skipped", 0)
    recorder.record(job, 2, "ok", 10)
    recorder.record(job, 2, "failed", 0, only_first=True)
    assert outcomes(ledger, job) == {"ok": 1}


def test_a_job_is_complete_when_all_files_are_published_and_have_an_outcome(
    ledger: LedgerReader, planner: JobWriter, recorder: OutcomeWriter, job: str
) -> None:
    for index in range(3):
        recorder.record(job, index, "ok", 10)
    assert not counts_of(ledger, job).complete
    planner.end_publishing(job)
    assert counts_of(ledger, job).complete
    assert job in ledger.jobs()


def test_a_cancelled_job_waits_only_for_files_in_flight(
    ledger: LedgerReader, planner: JobWriter, recorder: OutcomeWriter, job: str
) -> None:
    recorder.begin_shard(job, "shard", 2, output="s3://transcripts/x/")
    recorder.record(job, 0, "ok", 10, detail=FileDetail(shard="shard"))
    planner.cancel(job)
    counts = counts_of(ledger, job)
    assert (counts.waiting, counts.cancelled, counts.complete) == (0, 2, False)
    recorder.cancel_files(job, [0, 1])
    recorder.end_shard(job, "shard", 10)
    counts = counts_of(ledger, job)
    assert (counts.settled, counts.complete) == (True, False)
    assert outcomes(ledger, job) == {"ok": 1, "cancelled": 1}
    assert counts.cancelled == 2


def test_workers_see_a_cancellation_within_a_second(
    settings: Settings, planner: JobWriter, job: str
) -> None:
    now = [0.0]
    recorder = OutcomeWriter(connect(settings), clock=lambda: now[0])
    assert not recorder.is_cancelled(job)
    planner.cancel(job)
    now[0] += 1.0
    assert recorder.is_cancelled(job)


def test_retried_files_are_waiting_and_listed_until_they_are_published(
    ledger: LedgerReader, planner: JobWriter, recorder: OutcomeWriter, job: str
) -> None:
    planner.end_publishing(job)
    recorder.record(job, 0, "ok", 10)
    for index in (1, 2):
        recorder.record(job, index, "failed", 0, detail=FileDetail(kind="access_denied"))
    assert planner.close(job, 1000, 0)
    assert ledger.indexes(job, "failed") == [1, 2]
    planner.reopen(job, [1, 2])
    counts = counts_of(ledger, job)
    assert (counts.waiting, counts.complete, counts.closed_at) == (2, False, None)
    assert (counts.kinds, outcomes(ledger, job)) == ({}, {"ok": 1})
    assert ledger.indexes(job, "reopened") == [1, 2]
    planner.published_again(job, [1, 2])
    assert ledger.indexes(job, "reopened") == []
    planner.reopen(job, [0])  # its result was deleted
    assert outcomes(ledger, job) == {}


def test_restoring_from_s3_does_not_replace_known_outcomes(
    ledger: LedgerReader, planner: JobWriter, recorder: OutcomeWriter, job: str
) -> None:
    recorder.record(job, 0, "ok", 10)
    why = FailureExample(kind="poison", index=2, relative="c.wav", message="died")
    failed = [Restored(index, "failed", 0, why, "c.wav") for index in (0, 2)]
    planner.restore(job, [*failed, Restored(1, "ok", 30)])
    assert outcomes(ledger, job) == {"ok": 2, "failed": 1}
    assert counts_of(ledger, job).audio_ms == 40
    assert ledger.examples(job) == [why]


def test_only_one_process_finalizes_a_job(planner: JobWriter, job: str) -> None:
    assert planner.claim_closing(job, "a", 60)
    assert not planner.claim_closing(job, "b", 60)
    planner.release_closing(job, "b")
    assert not planner.claim_closing(job, "b", 60)
    planner.release_closing(job, "a")
    assert planner.claim_closing(job, "b", 60)


def test_a_job_whose_files_were_republished_meanwhile_is_not_closed(
    ledger: LedgerReader, planner: JobWriter, job: str
) -> None:
    before = counts_of(ledger, job).rounds
    planner.next_round(job)
    assert not planner.close(job, 1000, before)
    assert counts_of(ledger, job).closed_at is None
    assert planner.close(job, 1000, before + 1)


def test_the_keys_of_a_closed_job_expire(
    settings: Settings, planner: JobWriter, recorder: OutcomeWriter, job: str
) -> None:
    assert planner.close(job, 1000, 0)
    recorder.begin_shard(job, "delivered again", 1, output="s3://transcripts/x/")
    redis: Any = connect(settings)
    keys = [key for key in redis.keys(f"fleet:job:{job}*") if not key.endswith(":closing")]
    assert len(keys) > 2
    assert all(0 < redis.ttl(key) <= 1000 for key in keys)


def test_ten_million_files_take_a_few_megabytes(
    settings: Settings, planner: JobWriter, recorder: OutcomeWriter
) -> None:
    job = f"job-{uuid.uuid4()}"
    redis = connect(settings)
    before = redis.info("memory")["used_memory"]
    planner.begin(job, "s3://transcripts/x/")
    for outcome in ("ok", "failed", "skipped"):
        recorder.record(job, 9_999_999, outcome, 10)
    assert redis.info("memory")["used_memory"] - before < 8 << 20


def test_an_unknown_job_has_no_counts(ledger: LedgerReader) -> None:
    assert ledger.counts("never-seen") is None
