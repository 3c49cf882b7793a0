"""A lost or partly lost ledger is rebuilt from S3; until then the job state is unknown."""

import json
from pathlib import Path
from typing import NoReturn

import pytest

from funasr_fleet import EnqueueResult, cancel, enqueue, reconcile, retry, status
from funasr_fleet.broker.ledger import JobWriter, OutcomeWriter, connect
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import CannotRetry, JobLost, NoSuchJob
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing, StoreUnavailable
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import FILES, Worker, ended, enqueued, half_done, shards_waiting, wipe


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


def test_a_wiped_ledger_that_workers_write_to_is_not_complete(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job, worker = enqueued(output, tmp_path / "a.jsonl"), Worker(settings, store, {})
    first, second, *rest = shards_waiting(settings)
    worker.do(first)
    book = worker.begin(second)
    wipe(settings)
    with pytest.raises(NoSuchJob, match=f"fleet reconcile {job} --output"):
        status(job, settings)
    for ref in book.shard.files:
        worker.finish(book, ref)
        now = status(job, settings)
        assert (now.progress.state, now.counts.complete) == ("unknown", False)
        assert (now.waiting, now.progress.fraction, now.progress.eta_s) == (None, None, None)
    book.end()
    assert status(job, settings).counts.outcomes["ok"] == 2
    for shard in rest:
        worker.do(shard)
    assert status(job, settings).progress.state == "unknown"
    with pytest.raises(ObjectMissing):
        store.read(job_uri(output, job, "_SUCCESS"))
    found = reconcile(job, output=output, settings=settings)
    assert (found.done, found.enqueued) == (FILES, 0)
    after = status(job, settings)
    assert (after.progress.state, after.counts.outcomes["ok"]) == ("complete", FILES)
    assert store.read(job_uri(output, job, "_SUCCESS")) == b""


def test_a_ledger_wiped_during_the_enqueue_is_not_complete(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    path, files, wiped = tmp_path / "list.jsonl", 12_000, list[int]()
    path.write_text("".join(f'{{"audio": "s3://audio/{n:06d}.wav"}}\n' for n in range(files)))

    def wipe_once(result: EnqueueResult, waiting: int | None) -> None:
        if result.enqueued > 1000 and not wiped:
            wiped.append(result.enqueued)
            wipe(settings)

    job = "wiped"
    with pytest.raises(JobLost, match=f"fleet reconcile {job} --output {output}"):
        enqueue([str(path)], output=output, job=job, progress=wipe_once)
    assert status(job, settings).progress.state == "unknown"
    found = reconcile(job, output=output, settings=settings)
    assert (found.files, found.enqueued, found.planned) == (files, files, True)
    after = status(job, settings)
    assert (after.progress.state, after.counts.files, after.waiting) == ("running", files, files)


def test_failed_files_are_not_retried_from_an_incomplete_ledger(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = ended(settings, store, output, tmp_path / "a.jsonl")
    connect(settings).delete(f"{settings.key_prefix}fleet:job:{job}:failed")
    with pytest.raises(CannotRetry, match=f"fleet reconcile {job} --output {output}"):
        retry(job, settings)
    reconcile(job, settings=settings)
    assert retry(job, settings).files == 1


def test_a_repaired_job_completes(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    wipe(settings)
    sent = reconcile(job, output=output, settings=settings)
    assert (sent.done, sent.failed, sent.enqueued) == (3, 1, 4)
    for shard in shards_waiting(settings):
        Worker(settings, store, {}).do(shard)
    after = status(job, settings)
    assert (after.progress.state, after.counts.finished) == ("complete", FILES)
    written = json.loads(store.read(job_uri(output, job, "report.json")))
    assert (written["files"], written["outcomes"]["ok"]) == (FILES, 5)


def test_reconcile_says_that_a_job_is_cancelled(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    assert not reconcile(job, output=output, settings=settings).cancelled
    cancel(job, settings)
    for _ in range(2):
        found = reconcile(job, output=output, settings=settings)
        assert (found.cancelled, found.done, found.failed, found.enqueued) == (True, 3, 1, 0)
        now = status(job, settings)
        assert (now.progress.state, now.progress.cancelled) == ("cancelled", 4)
        assert now.to_json()["complete"] is False
        wipe(settings)


def test_a_job_whose_plan_is_partly_lost_in_s3_is_not_complete(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = ended(settings, store, output, tmp_path / "a.jsonl")
    store.delete(job_uri(output, job, "files/000000.jsonl.gz"))
    wipe(settings)
    found = reconcile(job, output=output, settings=settings)
    assert (found.files, found.planned) == (0, False)
    assert status(job, settings).progress.state == "unknown"


def test_a_complete_ledger_is_kept_when_s3_has_lost_a_part_of_the_plan(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = ended(settings, store, output, tmp_path / "a.jsonl")
    before = status(job, settings)
    assert before.progress.state == "complete"
    store.delete(job_uri(output, job, "files/000000.jsonl.gz"))
    assert not reconcile(job, settings=settings).planned
    assert status(job, settings).counts == before.counts


def test_the_next_reconcile_repairs_a_job_after_a_failed_one(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended(settings, store, output, tmp_path / "a.jsonl")
    before = status(job, settings).counts
    connect(settings).delete(f"{settings.key_prefix}fleet:job:{job}:ok")
    with monkeypatch.context() as patch:
        patch.setattr(JobWriter, "end_rebuilding", fail)
        with pytest.raises(StoreUnavailable):
            reconcile(job, settings=settings)
    interrupted = status(job, settings)
    assert (interrupted.progress.state, interrupted.progress.fraction) == ("unknown", None)
    reconcile(job, settings=settings)
    after = status(job, settings)
    assert (after.progress.state, after.counts.outcomes) == ("complete", before.outcomes)
    assert after.counts.audio_ms == before.audio_ms


def fail(*_: object) -> NoReturn:
    raise StoreUnavailable("S3 is unavailable")


def test_reconcile_fails_when_error_reports_cannot_be_read(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, read = ended(settings, store, output, tmp_path / "a.jsonl"), S3Store.read

    def without_reports(of: S3Store, uri: str) -> bytes:
        return fail() if uri.endswith(".error.json") else read(of, uri)

    monkeypatch.setattr(S3Store, "read", without_reports)
    with pytest.raises(StoreUnavailable):
        reconcile(job, settings=settings)
    assert status(job, settings).counts.outcomes["failed"] == 1


def test_a_healthy_job_keeps_its_counts_while_it_is_reconciled(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    before = status(job, settings)
    monkeypatch.setattr(JobWriter, "restore", fail)
    with pytest.raises(StoreUnavailable):
        reconcile(job, settings=settings)
    during = status(job, settings)
    assert (during.progress.state, during.waiting) == (before.progress.state, before.waiting)


def test_files_of_another_client_do_not_complete_a_planned_job(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    recorder = OutcomeWriter(connect(settings), settings.key_prefix)
    for index in range(FILES, FILES + 4):
        recorder.record(job, index, "ok", 1000)
    assert status(job, settings).progress.state == "running"
