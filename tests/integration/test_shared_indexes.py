"""Files of one job that share an index: the failure of one is not hidden by the other's success."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from funasr_fleet import status
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.worker.events import FileFinished
from tests.support.messages import Worker, a_shard, documents

A = FileDetail(name="a.wav", kind="undecodable_audio")
B = FileDetail(name="b.wav", kind="undecodable_audio")
NAMELESS = FileDetail(relative="../x", kind="model_error")


@pytest.fixture
def recorder(settings: Settings) -> OutcomeWriter:
    return OutcomeWriter(connect(settings))


@pytest.fixture
def job() -> str:
    return f"job-{uuid.uuid4()}"


def outcomes(ledger: LedgerReader, job: str) -> dict[Outcome, int]:
    counts = ledger.counts(job)
    assert counts
    return {outcome: count for outcome, count in counts.outcomes.items() if count}


def test_only_the_file_itself_replaces_its_failure_in_a_job_without_a_plan(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    recorder.begin_shard(job, "shard", 2, output="s3://transcripts/x/", job_files=1)
    recorder.record(job, 0, "failed", 0, detail=A)
    others: tuple[Outcome, ...] = ("ok", "empty", "skipped", "cancelled")
    for outcome in others:
        recorder.record(job, 0, outcome, 5, detail=B)
        assert outcomes(ledger, job) == {"failed": 1}
    recorder.record(job, 0, "ok", 5, detail=A)
    assert outcomes(ledger, job) == {"ok": 1}
    recorder.record(job, 0, "failed", 0, detail=B)
    recorder.record(job, 0, "ok", 5, detail=A)
    assert outcomes(ledger, job) == {"failed": 1}


def test_the_failure_of_an_entry_without_a_valid_name_is_replaced(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    """The client sends the file again with a valid name."""
    recorder.record(job, 0, "failed", 0, detail=B)
    recorder.record(job, 0, "ok", 0, detail=B)
    recorder.record(job, 0, "failed", 0, detail=NAMELESS)
    recorder.record(job, 0, "ok", 5, detail=A)
    assert outcomes(ledger, job) == {"ok": 1}


@pytest.mark.parametrize("later", [B, NAMELESS])
def test_another_failure_under_the_index_does_not_hide_the_first(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str, later: FileDetail
) -> None:
    recorder.record(job, 0, "failed", 0, detail=A)
    recorder.record(job, 0, "failed", 0, detail=later)
    recorder.record(job, 0, "ok", 5, detail=B)
    assert outcomes(ledger, job) == {"failed": 1}


def test_the_names_of_the_files_of_a_plan_are_not_kept(
    settings: Settings, ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    """The indexes of a plan are unique, and a job may have ten million failures."""
    client: Any = connect(settings)
    JobWriter(client).begin(job, "s3://transcripts/x/")
    recorder.record(job, 1, "failed", 0, detail=A)
    assert not client.exists(f"fleet:job:{job}:failed_names")
    recorder.record(job, 1, "ok", 5, detail=B)
    assert outcomes(ledger, job) == {"ok": 1}


@pytest.mark.parametrize("failed_first", [True, False])
def test_a_job_with_a_repeated_index_ends_with_its_failure(
    separate_fleet: Settings, store: S3Store, output: str, failed_first: bool
) -> None:
    """Two shards of a client number their only files 0."""
    bad, good = a_shard(output, 0, job_files=1), a_shard(output, 0, shard="good")
    good["files"][0]["audio"] = "s3://audio/good.wav"
    steps = [(Worker(separate_fleet, store, {0: "failed"}), bad)]
    steps.insert(failed_first, (Worker(separate_fleet, store, {}), good))
    for worker, shard in steps:
        worker.do(shard)
    now = status("by-hand", separate_fleet)
    assert (now.progress.state, now.counts.outcomes["failed"]) == ("complete", 1)
    assert documents(store, output) == {"report.json", "failures.jsonl"}


def test_a_success_that_is_delivered_again_does_not_hide_the_file_whose_name_was_taken(
    separate_fleet: Settings, store: S3Store, output: str
) -> None:
    first = a_shard(output, 0, job_files=1)
    worker = Worker(separate_fleet, store, {})
    worker.do(first)
    reporter = worker.begin(a_shard(output, 0, shard="other"))
    (ref,) = reporter.shard.files
    failed = FileFinished.of_failure(reporter.shard, ref.audio, 0, "model_error", "name taken")
    reporter.record(ref, replace(failed, is_name_taken=True))
    reporter.end()
    worker.do(first)
    assert status("by-hand", separate_fleet).counts.outcomes["failed"] == 1
