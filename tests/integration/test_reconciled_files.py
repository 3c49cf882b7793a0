"""Reconcile takes each file's outcome from the documents of the job, not of other jobs."""

import gzip
import json
from pathlib import Path

import pytest

from funasr_fleet import enqueue, failures, reconcile, retry, status
from funasr_fleet.contract.layout import error_uri, job_uri, part_uri
from funasr_fleet.contract.transcript import utc_now
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import (
    FILES,
    Worker,
    drain,
    enqueued,
    half_done,
    shards_waiting,
    wipe,
)


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


def test_an_error_report_of_another_job_with_the_same_output_is_not_taken(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = enqueued(output, tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text('{"audio": "s3://audio/calls/7.wav"}\n')
    other = enqueue([str(tmp_path / "b.jsonl")], output=output).job
    for shard in shards_waiting(settings):
        if shard["job"] == other:
            Worker(settings, store, {0: "failed"}).do(shard)
    assert json.loads(store.read(error_uri(output, "calls/7.wav")))["job"] == other
    wipe(settings)
    found = reconcile(job, output=output, settings=settings)
    assert (found.failed, found.enqueued) == (0, FILES)


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "earlier release"])
def test_an_error_report_of_the_job_itself_is_taken(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, is_named: bool
) -> None:
    job = enqueued(output, tmp_path / "a.jsonl")
    error = {"kind": "undecodable_audio", "message": "no audio in it", "at": utc_now()}
    report = {"audio": {"etag": None}, "error": error, **({"job": job} if is_named else {})}
    store.write(error_uri(output, "calls/7.wav"), json.dumps(report).encode(), "application/json")
    wipe(settings)
    found = reconcile(job, output=output, settings=settings)
    assert (found.failed, found.enqueued) == (1, FILES - 1)


def test_a_failure_that_the_job_recorded_counts_although_another_job_replaced_the_report(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    error = {"kind": "undecodable_audio", "message": "no audio in it", "at": utc_now()}
    report = json.dumps({"job": "other", "audio": {"etag": None}, "error": error}).encode()
    store.write(error_uri(output, "calls/2.wav"), report, "application/json")
    wipe(settings)
    assert reconcile(job, output=output, settings=settings).failed == 1


def test_a_file_whose_error_report_vanishes_during_the_reconcile_is_enqueued(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, uri = tmp_path / "a.jsonl", error_uri(output, "a.wav")
    path.write_text('{"audio": "s3://audio/a.wav", "etag": "\\"1\\""}\n')
    job = enqueue([str(path)], output=output).job
    error = {"kind": "undecodable_audio", "message": "no audio in it", "at": utc_now()}
    report = json.dumps({"audio": {"etag": '"1"'}, "error": error}).encode()
    store.write(uri, report, "application/json")
    wipe(settings)
    reads, read = list[str](), S3Store.read

    def once(of: S3Store, wanted: str) -> bytes:
        reads.append(wanted)
        if reads.count(uri) > 1:
            raise ObjectMissing(uri)
        return read(of, wanted)

    monkeypatch.setattr(S3Store, "read", once)
    found = reconcile(job, output=output, settings=settings)
    assert reads.count(uri) == 2
    assert (found.done, found.failed, found.enqueued) == (0, 0, 1)


def plan_a_reserved_name(store: S3Store, output: str, job: str) -> None:
    """Give the last file of the plan a name that only an earlier release accepted."""
    uri = part_uri(output, job, 0)
    *lines, last = gzip.decompress(store.read(uri)).splitlines()
    row = json.loads(last)
    row["row"]["relative"] = "calls/_jobs/7.wav"
    body = gzip.compress(b"\n".join([*lines, json.dumps(row).encode()]) + b"\n")
    store.write(uri, body, "application/gzip")


def test_a_planned_file_that_is_no_longer_valid_fails_alone(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    plan_a_reserved_name(store, output, job)
    wipe(settings)
    found = reconcile(job, output=output, settings=settings)
    assert (found.failed, found.enqueued, found.invalid) == (2, 3, 1)
    assert "calls/_jobs/7.wav" in found.warnings[0]
    for shard in shards_waiting(settings):
        Worker(settings, store, {}).do(shard)
    now = status(job, settings)
    assert (now.progress.state, now.counts.outcomes["failed"]) == ("complete", 2)
    messages = [one.message for group in failures(job, settings) for one in group.examples]
    assert any("enqueue it in a new job" in message for message in messages)
    drain(settings, FILES)
    again = retry(job, settings)
    assert (again.files, len(again.invalid)) == (1, 1)
    assert "calls/_jobs/7.wav" in again.invalid[0]
    (shard,) = shards_waiting(settings)
    Worker(settings, store, {}).do(shard)
    assert status(job, settings).counts.outcomes["failed"] == 1


def test_an_enqueue_cannot_be_resumed_with_a_plan_that_is_no_longer_valid(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"audio": "s3://audio/a.wav"}\n')

    def die(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        enqueue([str(path)], output=output, job="night", progress=die)
    plan_a_reserved_name(store, output, "night")
    with pytest.raises(JobRefused, match=r"file 0 \(calls/_jobs/7\.wav\) of the plan is not valid"):
        enqueue([str(path)], output=output, job="night")
    assert shards_waiting(settings) == []
    assert store.read(job_uri(output, "night", "job.json"))
