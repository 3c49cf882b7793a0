"""Indexes beyond the files of a job occupy no memory in Redis and are not counted."""

import itertools
import uuid
from typing import Any

import pytest

from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.job_writer import Restored
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.shared_lua import UNPLANNED_INDEXES, UNPLANNED_KEPT
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.contract.job import MAX_INDEX
from funasr_fleet.settings import Settings
from funasr_fleet.worker.app.publish import split
from funasr_fleet.worker.pipeline.child_counters import ChildCounters
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from tests.support.examples import a_ref, a_shard
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://transcripts/x/"
MOST_BYTES = 200_000
"""Limit for one bitmap of 1,048,576 bits (128 KiB) with its overhead."""


@pytest.fixture
def planner(settings: Settings) -> JobWriter:
    return JobWriter(connect(settings))


@pytest.fixture
def recorder(settings: Settings) -> OutcomeWriter:
    return OutcomeWriter(connect(settings))


@pytest.fixture
def job() -> str:
    return f"job-{uuid.uuid4()}"


def parts_of(settings: Settings) -> tuple[Any, OutcomeWriter, JobWriter, LedgerReader]:
    """The client of a fleet's Redis, and its ledger."""
    client: Any = connect(settings)
    names = client, settings.key_prefix
    return client, OutcomeWriter(*names), JobWriter(*names), LedgerReader(*names)


def test_of_too_many_jobs_without_a_plan_those_that_have_ended_are_removed_first(
    separate_fleet: Settings,
) -> None:
    client, recorder, planner, ledger = parts_of(separate_fleet)

    def begin(name: str, files: int | None = None) -> None:
        recorder.begin_shard(name, "s", 1, output=OUTPUT, job_files=files)

    def end(name: str) -> None:
        recorder.record(name, 0, "failed", 1, detail=FileDetail(shard="s", kind="model_error"))
        recorder.end_shard(name, "s", 1)

    planner.begin("planned", OUTPUT, queue="fleet")
    begin("planned")
    for name, files in (("open", 2), ("waiting", 2), ("cancelled", 2), ("undeclared", None)):
        begin(name, files)
        if name != "open":
            end(name)
    planner.cancel("cancelled")
    closed = [f"closed{number}" for number in range(UNPLANNED_KEPT)]
    for name in closed:
        begin(name, 1)
        end(name)
        counts = ledger.counts(name)
        assert counts
        assert planner.close(name, 60, counts.rounds)
    kept = ["planned", "open", "waiting", "cancelled", "undeclared"]
    assert all(ledger.counts(name) for name in kept)
    assert sum(bool(ledger.counts(name)) for name in closed) <= UNPLANNED_KEPT - 4
    for number in range(UNPLANNED_KEPT):
        begin(f"last{number}", 2)
        end(f"last{number}")
    found = {name for name in kept if ledger.counts(name)}
    assert found == {"planned", "open", "cancelled"}
    assert not any(ledger.counts(name) for name in closed)
    left = client.keys(f"{separate_fleet.key_prefix}fleet:job:*")
    assert len({name.split(":")[3] for name in left}) <= UNPLANNED_KEPT + 1
    assert {*closed, "undeclared", "waiting"}.isdisjoint(ledger.jobs())


def test_names_of_expired_jobs_are_removed_before_jobs_that_have_ended(
    separate_fleet: Settings,
) -> None:
    client, recorder, planner, ledger = parts_of(separate_fleet)
    recorder.begin_shard("closed", "s", 1, output=OUTPUT, job_files=1)
    recorder.record("closed", 0, "ok", 1, detail=FileDetail(shard="s"))
    recorder.end_shard("closed", "s", 1)
    counts = ledger.counts("closed")
    assert counts
    assert planner.close("closed", 600, counts.rounds)
    unplanned = f"{separate_fleet.key_prefix}fleet:jobs:unplanned"
    expired = {f"expired{number}": number for number in range(UNPLANNED_KEPT - 1)}
    client.zadd(unplanned, expired)
    recorder.begin_shard("last", "s", 1, output=OUTPUT)
    assert ledger.counts("closed")
    assert client.zcard(unplanned) < UNPLANNED_KEPT


def test_jobs_with_open_shards_do_not_keep_jobs_that_have_ended(separate_fleet: Settings) -> None:
    _, recorder, _, ledger = parts_of(separate_fleet)
    for number in range(2 * UNPLANNED_KEPT + 100):
        recorder.begin_shard(f"open{number}", "s", 1, output=OUTPUT)
    for number in range(100):
        recorder.begin_shard(f"ended{number}", "s", 1, output=OUTPUT)
        recorder.end_shard(f"ended{number}", "s", 1)
    for number in range(100):
        recorder.begin_shard(f"more{number}", "s", 1, output=OUTPUT)
    assert all(ledger.counts(f"open{number}") for number in range(2 * UNPLANNED_KEPT + 100))
    assert not any(ledger.counts(f"ended{number}") for number in range(50))


def memory_of(settings: Settings, job: str) -> int:
    """Bytes of all keys of the job."""
    client: Any = connect(settings)
    return sum(client.memory_usage(key) or 0 for key in Keys().all_of(job))


def finished(ledger: LedgerReader, job: str) -> int:
    counts = ledger.counts(job)
    assert counts
    return counts.finished


def test_an_index_beyond_the_limit_of_a_job_without_a_plan_is_not_counted(
    settings: Settings,
    recorder: OutcomeWriter,
    ledger: LedgerReader,
    job: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder.begin_shard(job, "s", 3, output=OUTPUT, job_files=MAX_INDEX + 1)
    detail = FileDetail(shard="s", kind="model_error", warnings=("repetition",))
    for index in (UNPLANNED_INDEXES, MAX_INDEX):
        recorder.record(job, index, "failed", 1000, detail=detail)
    assert finished(ledger, job) == 0
    recorder.record(job, UNPLANNED_INDEXES - 1, "ok", 1000, detail=FileDetail(shard="s"))
    counts = ledger.counts(job)
    assert counts
    assert (counts.finished, counts.audio_ms, counts.in_flight) == (1, 1000, 0)
    assert memory_of(settings, job) < MOST_BYTES
    assert f"index {MAX_INDEX} of job {job} is not counted" in caplog.text


def test_an_index_beyond_a_published_plan_is_not_counted(
    settings: Settings,
    planner: JobWriter,
    recorder: OutcomeWriter,
    ledger: LedgerReader,
    job: str,
) -> None:
    planner.begin(job, OUTPUT, queue="fleet")
    planner.plan(job, 0, 4, 0, [])
    planner.end_publishing(job)
    recorder.record(job, 4, "ok", 1000)
    recorder.cancel_files(job, [5, MAX_INDEX])
    planner.restore(job, [Restored(index=MAX_INDEX, outcome="ok", relative="a", audio_ms=1)])
    assert finished(ledger, job) == 0
    recorder.record(job, 3, "ok", 1000)
    assert finished(ledger, job) == 1
    assert memory_of(settings, job) < 10_000


def test_outcomes_with_another_output_than_that_of_the_plan_are_not_counted(
    settings: Settings,
    planner: JobWriter,
    recorder: OutcomeWriter,
    ledger: LedgerReader,
    job: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    planner.begin(job, OUTPUT, queue="fleet")
    planner.plan(job, 0, 4, 0, [])
    recorder.begin_shard(job, "own", 2, output=OUTPUT)
    elsewhere = FileDetail(output="s3://elsewhere/", shard="own")
    recorder.begin_shard(job, "foreign", 9, output="s3://elsewhere/")
    recorder.begin_shard(job, "own", 9, output="s3://elsewhere/")
    recorder.record(job, 0, "ok", 1000, detail=elsewhere)
    recorder.record(job, 1, "failed", 0, detail=elsewhere)
    counts = ledger.counts(job)
    assert counts
    assert (counts.finished, counts.open_shards, counts.in_flight) == (0, 1, 2)
    assert f"index 1 of job {job} is not counted" in caplog.text
    recorder.record(job, 0, "ok", 1000, detail=FileDetail(output=OUTPUT, shard="own"))
    counts = ledger.counts(job)
    assert counts
    assert (counts.finished, counts.in_flight) == (1, 1)


def test_a_shard_with_another_output_does_not_change_the_shards_of_a_planned_job(
    planner: JobWriter, recorder: OutcomeWriter, ledger: LedgerReader, job: str
) -> None:
    planner.begin(job, OUTPUT, queue="fleet")
    planner.plan(job, 0, 4, 0, [])
    recorder.begin_shard(job, "own", 2, output=OUTPUT)
    foreign = a_shard(
        a_ref(index=0), a_ref("s3://in/b.wav", index=1), job=job, shard="own", output="s3://out/y/"
    )
    seconds = itertools.count().__next__
    counters = ChildCounters(worker="fleet@host", slot=0)
    reporter = ShardReporter(foreign, recorder, MemoryStore("out"), counters, clock=seconds)
    reporter.begin()
    reporter.report(0)
    reporter.await_parts(split(foreign))
    reporter.suspend("disk_full", "No space left")
    reporter.end()
    counts = ledger.counts(job)
    assert counts
    assert (counts.open_shards, counts.in_flight) == (1, 2)
    assert (counts.work_ms, counts.finished) == (0, 0)


def test_every_index_is_counted_while_a_plan_is_published_or_rebuilt(
    planner: JobWriter, recorder: OutcomeWriter, ledger: LedgerReader, job: str
) -> None:
    planner.begin(job, OUTPUT, queue="fleet")
    recorder.record(job, UNPLANNED_INDEXES, "ok", 1000)
    assert finished(ledger, job) == 1
    planner.end_publishing(job)
    planner.rebuild(job, OUTPUT, at=1.0, queue="fleet")
    recorder.record(job, UNPLANNED_INDEXES + 1, "ok", 1000)
    assert finished(ledger, job) == 2


def test_every_index_is_counted_below_the_number_of_files_that_a_command_declared(
    planner: JobWriter, recorder: OutcomeWriter, ledger: LedgerReader, job: str
) -> None:
    planner.declare(job, OUTPUT, UNPLANNED_INDEXES + 8)
    recorder.record(job, UNPLANNED_INDEXES + 8, "ok", 1000)
    assert finished(ledger, job) == 0
    recorder.record(job, UNPLANNED_INDEXES + 7, "ok", 1000)
    assert finished(ledger, job) == 1
