"""Shards in the ledger, in a real Valkey: files in flight and shards that keep a job open."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import reconcile
from funasr_fleet.broker.ledger import JobCounts, JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import identity_of
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.worker.coordination.shard_lock import ShardLock
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from tests.support.messages import FILES, Worker, enqueued, shards_waiting


@pytest.fixture
def recorder(settings: Settings) -> OutcomeWriter:
    return OutcomeWriter(connect(settings))


@pytest.fixture
def job(settings: Settings) -> str:
    """A job of four files."""
    name, planner = f"job-{uuid.uuid4()}", JobWriter(connect(settings))
    planner.begin(name, "s3://transcripts/x/", queue="fleet")
    planner.plan(name, 0, 4, 120_000, [])
    return name


def counts_of(ledger: LedgerReader, job: str) -> JobCounts:
    counts = ledger.counts(job)
    assert counts
    return counts


def test_files_are_in_flight_while_their_shard_is_running(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    for _ in range(2):  # redelivered after its worker died
        recorder.begin_shard(job, "shard", 3, output="s3://transcripts/x/")
        recorder.record(job, 0, "ok", 10, detail=FileDetail(shard="shard"))
        assert counts_of(ledger, job).in_flight == 2
    recorder.end_shard(job, "shard", 1500)
    assert (counts_of(ledger, job).in_flight, counts_of(ledger, job).work_ms) == (0, 1500)


def test_postponed_shards_are_counted_by_reason_until_they_are_started_or_end(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    for name in ("a", "b", "c"):
        recorder.begin_shard(job, name, 2, output="s3://transcripts/x/")
    for _ in range(2):  # each retry fails again
        recorder.suspend_shard(job, "a", "disk_full", "No space left")
        recorder.suspend_shard(job, "b", "storage_unavailable", "SlowDown")
    recorder.suspend_shard(job, "c")
    recorder.suspend_shard(job, "ended elsewhere", "disk_full", "No space left")
    assert ledger.postponed(job) == ({"disk_full": 1, "storage_unavailable": 1}, "SlowDown")
    recorder.begin_shard(job, "a", 2, output="s3://transcripts/x/")
    assert ledger.postponed(job) == ({"storage_unavailable": 1}, "SlowDown")
    recorder.end_shard(job, "b", 10)
    assert ledger.postponed(job) == ({}, "")


def test_a_shard_that_waits_for_a_retry_keeps_its_job_open(
    ledger: LedgerReader, recorder: OutcomeWriter, job: str
) -> None:
    recorder.begin_shard(job, "shard", 2, output="s3://transcripts/x/")
    recorder.suspend_shard(job, "shard")
    recorder.suspend_shard(job, "ended elsewhere")
    # a duplicate of its message was split before
    recorder.begin_shard(job, "shard.1", 1, output="s3://transcripts/x/")
    recorder.await_shards(job, ["shard.0", "shard.1"])
    assert (counts_of(ledger, job).open_shards, counts_of(ledger, job).in_flight) == (3, 1)
    for name in ("shard", "shard.0", "shard.1"):
        recorder.end_shard(job, name, 0)
    assert counts_of(ledger, job).open_shards == 0


def waiting_of(settings: Settings, job: str) -> list[dict[str, Any]]:
    shards = [one for one in shards_waiting(settings) if one["job"] == job]
    return sorted(shards, key=lambda one: str(one["shard"]))


@pytest.fixture
def half(settings: Settings, store: S3Store, tmp_path: Path) -> tuple[str, Worker, ShardReporter]:
    """A job with one open shard, which was suspended after its file 2 had failed."""
    name = enqueued(f"s3://transcripts/{uuid.uuid4()}/", tmp_path / "manifest.jsonl")
    worker = Worker(settings, store, {2: "failed"})
    first, second, *others = waiting_of(settings, name)
    book = worker.begin(second)
    for ref in book.shard.files:
        worker.finish(book, ref)
    book.suspend()
    for shard in (first, *others):
        worker.do(shard)
    return name, worker, book


def failed_files(store: S3Store, book: ShardReporter) -> list[int]:
    uri = job_uri(book.shard.output, str(book.shard.job), "failures.jsonl")
    return [json.loads(line)["index"] for line in store.read(uri).splitlines()]


def test_a_job_ends_with_its_last_shard_and_reports_its_failures(
    ledger: LedgerReader, store: S3Store, half: tuple[str, Worker, ShardReporter]
) -> None:
    job, worker, book = half
    assert (counts_of(ledger, job).finished, counts_of(ledger, job).closed_at) == (FILES, None)
    worker.do(book.shard.to_message())
    assert counts_of(ledger, job).closed_at
    assert failed_files(store, book) == [2]


def test_reconcile_ends_a_job_with_a_lost_last_shard_but_not_a_running_job(
    settings: Settings,
    ledger: LedgerReader,
    store: S3Store,
    half: tuple[str, Worker, ShardReporter],
) -> None:
    job, worker, book = half
    locks = ShardLock(connect(settings), settings.key_prefix, lease_s=60)
    identity = identity_of(book.shard.output, book.shard.shard)
    locks.take(identity, "worker:1")
    reconcile(job, settings=settings)
    for shard in waiting_of(settings, job):  # the files of the lost shard are now in other shards
        if "again" in shard["shard"]:
            worker.do(shard)
    assert counts_of(ledger, job).closed_at is None
    locks.release(identity, "worker:1")
    reconcile(job, settings=settings)
    assert counts_of(ledger, job).closed_at
    assert failed_files(store, book) == [2]


def test_a_part_that_ends_after_the_job_corrects_its_report(
    settings: Settings,
    ledger: LedgerReader,
    store: S3Store,
    half: tuple[str, Worker, ShardReporter],
) -> None:
    job, worker, book = half
    reconcile(job, settings=settings)  # drops the shard, although its message may still wait
    for shard in waiting_of(settings, job):
        if "again" in shard["shard"]:
            worker.do(shard)
    before = counts_of(ledger, job)
    assert (before.closed_at is None, before.outcomes["failed"]) == (False, 1)
    Worker(settings, store, {}).do(book.shard.to_message())
    after = counts_of(ledger, job)
    assert (after.closed_at is None, after.outcomes["failed"]) == (False, 0)
    assert failed_files(store, book) == []
    assert store.read(job_uri(book.shard.output, job, "_SUCCESS")) == b""
