"""Shards in the ledger, in a real Valkey: what is in flight, and what keeps a job open."""

import uuid

import pytest

from contract.ledger import JobCounts, Ledger, Planner, Recorder, connect
from contract.ledger.values import FileDetail
from contract.settings import Settings


@pytest.fixture
def recorder(settings: Settings) -> Recorder:
    return Recorder(connect(settings))


@pytest.fixture
def job(settings: Settings) -> str:
    """Of four files."""
    name, planner = f"job-{uuid.uuid4()}", Planner(connect(settings))
    planner.begin(name, "s3://transcripts/x/", queue="fleet")
    planner.plan(name, 0, 4, 120_000, [])
    return name


def counts_of(ledger: Ledger, job: str) -> JobCounts:
    counts = ledger.counts(job)
    assert counts
    return counts


def test_files_are_in_flight_from_the_beginning_of_their_shard_to_its_end(
    ledger: Ledger, recorder: Recorder, job: str
) -> None:
    for _ in range(2):  # delivered again, after its worker died
        recorder.begin_shard(job, "shard", 3)
        recorder.record(job, 0, "ok", 10, detail=FileDetail(shard="shard"))
        assert counts_of(ledger, job).in_flight == 2
    recorder.end_shard(job, "shard", 1500)
    assert (counts_of(ledger, job).in_flight, counts_of(ledger, job).work_ms) == (0, 1500)


def test_a_shard_that_waits_to_be_worked_on_again_keeps_its_job_open(
    ledger: Ledger, recorder: Recorder, job: str
) -> None:
    recorder.begin_shard(job, "shard", 2)
    recorder.suspend_shard(job, "shard")
    recorder.begin_shard(job, "shard.1", 1)  # a twin of its message was split before
    recorder.await_shards(job, ["shard.0", "shard.1"])
    assert (counts_of(ledger, job).open_shards, counts_of(ledger, job).in_flight) == (3, 1)
    for name in ("shard", "shard.0", "shard.1"):
        recorder.end_shard(job, name, 0)
    assert counts_of(ledger, job).open_shards == 0
