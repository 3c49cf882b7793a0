"""`fleet status` over the ledger that producers and workers write to a real Valkey."""

import time
import uuid
from typing import Any

import pytest

import funasr_fleet
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.contract.layout import BadJobName
from funasr_fleet.producer.errors import NoSuchJob
from funasr_fleet.producer.jobs.report_page import page
from funasr_fleet.settings import Settings

HOUR_MS = 3_600_000
BROKEN = FileDetail(
    shard="s1", seconds=0.4, kind="undecodable_audio", relative="calls/c.mp3", message="no stream"
)


@pytest.fixture
def client(settings: Settings) -> Any:
    return connect(settings)


@pytest.fixture
def planner(client: Any) -> JobWriter:
    return JobWriter(client)


@pytest.fixture
def recorder(client: Any) -> OutcomeWriter:
    return OutcomeWriter(client)


@pytest.fixture
def job(planner: JobWriter) -> str:
    """A job of six files in one window; the last has a result already."""
    name = f"job-{uuid.uuid4()}"
    planner.begin(name, "s3://transcripts/x/")
    planner.plan(name, 0, 6, 5 * HOUR_MS, done=[5])
    return name


def work_on(recorder: OutcomeWriter, job: str) -> None:
    """Record the work on three of the four files of the first shard."""
    recorder.begin_shard(job, "s1", 4, output="s3://transcripts/x/")
    recorder.record(job, 0, "ok", HOUR_MS, detail=FileDetail(shard="s1", seconds=1.5))
    recorder.record(job, 1, "empty", HOUR_MS, detail=FileDetail(shard="s1", seconds=0.7))
    recorder.record(job, 2, "failed", 0, detail=BROKEN)


def test_status_follows_a_job_from_planning_to_completion(
    planner: JobWriter, recorder: OutcomeWriter, job: str, settings: Settings
) -> None:
    planned = funasr_fleet.status(job, settings).progress
    assert (planned.state, planned.waiting, planned.skipped) == ("planning", 5, 1)
    assert (planned.remaining_audio_hours, planned.eta_s) == (5, None)

    planner.end_publishing(job)
    work_on(recorder, job)
    working = funasr_fleet.status(job, settings).progress
    assert (working.state, working.waiting, working.in_flight) == ("running", 2, 1)
    assert (working.done, working.empty, working.failed) == (1, 1, 1)
    assert working.audio_hours == 2
    assert working.remaining_audio_hours == pytest.approx(2 * 2 / 3)
    assert working.eta_s is not None
    assert working.eta_basis == "audio since the start"

    for index in (3, 4):
        recorder.record(job, index, "ok", HOUR_MS, detail=FileDetail(shard="s1"))
    recorder.end_shard(job, "s1", work_ms=HOUR_MS // 10)
    document = funasr_fleet.status(job, settings, gpu_hour_price=2.0).to_json()
    assert (document["state"], document["complete"], document["waiting"]) == ("complete", True, 0)
    assert (document["in_flight"], document["eta_s"]) == (0, 0)
    assert document["audio_hours_per_device_hour"] == 40
    assert document["cost_so_far"] == document["cost_expected"] == pytest.approx(0.2)


def test_a_redelivered_shard_does_not_change_the_counts(
    recorder: OutcomeWriter, job: str, settings: Settings
) -> None:
    work_on(recorder, job)
    once = funasr_fleet.status(job, settings).counts
    work_on(recorder, job)
    again = funasr_fleet.status(job, settings).counts
    assert (again.outcomes, again.audio_ms) == (once.outcomes, once.audio_ms)


def test_failures_are_grouped_in_the_report_page(
    recorder: OutcomeWriter, job: str, settings: Settings
) -> None:
    work_on(recorder, job)
    (group,) = groups = funasr_fleet.failures(job, settings)
    assert (group.kind, group.count) == ("undecodable_audio", 1)
    assert (group.examples[0].index, group.examples[0].relative) == (2, "calls/c.mp3")
    document = funasr_fleet.report(job, settings)
    assert document["failures"] == {"undecodable_audio": 1}
    assert sum(bucket["files"] for bucket in document["latency_s"]["buckets"]) == 3
    assert sum(row["files"] for row in document["throughput"]) == 3
    assert "calls/c.mp3" in page(document, groups)


def test_active_workers_are_listed(recorder: OutcomeWriter, job: str, settings: Settings) -> None:
    name = f"fleet@{uuid.uuid4()}"
    recorder.see(WorkerSeen(worker=name, slot=1, at=time.time(), job=job, shard="s1"))
    (view,) = [one for one in funasr_fleet.status(job, settings).workers if one.worker == name]
    assert (view.slot, view.job, view.shard) == (1, job, "s1")
    assert view.heard_s_ago < 60


def test_a_job_whose_keys_are_gone_is_not_listed(
    client: Any, planner: JobWriter, job: str, ledger: LedgerReader, settings: Settings
) -> None:
    assert job in [one.job for one in funasr_fleet.list_jobs(settings)]
    client.delete(*Keys().all_of(job))
    assert job in ledger.jobs()
    assert job not in [one.job for one in funasr_fleet.list_jobs(settings)]
    assert job not in ledger.jobs()


@pytest.mark.parametrize("ask", [funasr_fleet.status, funasr_fleet.failures, funasr_fleet.report])
def test_an_unknown_job_is_an_error(ask: Any, settings: Settings) -> None:
    with pytest.raises(NoSuchJob, match="fleet jobs"):
        ask("never-seen", settings)


@pytest.mark.parametrize("ask", [funasr_fleet.status, funasr_fleet.failures, funasr_fleet.report])
def test_an_invalid_job_name_is_an_error(ask: Any, settings: Settings) -> None:
    with pytest.raises(BadJobName, match="is not a job name"):
        ask("night:failed", settings)


WINDOW = 10_000


def test_the_status_of_ten_million_files_needs_few_commands(
    client: Any, planner: JobWriter, recorder: OutcomeWriter, settings: Settings
) -> None:
    job = f"job-{uuid.uuid4()}"
    planner.begin(job, "s3://transcripts/x/")
    for window in range(1000):
        planner.plan(job, window, WINDOW, WINDOW * 60_000, done=[window * WINDOW])
    planner.end_publishing(job)
    # 8 million done, except a thousand skipped ones; one bit each, as workers write them
    done = bytearray(b"\xff" * 1_000_000)
    for window in range(800):
        done[window * WINDOW // 8] &= 0x7F
    client.set(Keys().job(job, "ok"), bytes(done))
    client.hset(Keys().job(job), "audio_ms", 8_000_000 * 60_000)
    recorder.record(job, 9_999_999, "failed", 0, detail=BROKEN)
    now = int(time.time() // 60)
    rows = {
        f"{name}{now - minute}": 60_000 for minute in range(1, 3 * 1440) for name in ("f", "a", "x")
    }
    client.hset(Keys().job(job, "minutes"), mapping=rows)

    before = client.info("stats")["total_commands_processed"]
    found = funasr_fleet.status(job, settings)
    assert client.info("stats")["total_commands_processed"] - before < 1000
    assert found.counts.files == 10_000_000
    assert (found.progress.done, found.progress.failed) == (8_000_000 - 800, 1)
    assert (found.progress.skipped, found.waiting) == (1000, 10_000_000 - 8_000_000 - 200 - 1)
    assert found.progress.eta_s is not None
