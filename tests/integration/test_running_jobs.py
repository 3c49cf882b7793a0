"""Jobs with a real worker: finished, retried, cancelled, concurrent, and after a loss of Redis."""

import contextlib
import json
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import cancel, enqueue, failures, reconcile, report, retry, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import shards_waiting, wipe

DEADLINE_S = 120
SMALL = ShardLimits(files=5)


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"{uuid.uuid4()}:"


@pytest.fixture(scope="module")
def worker(
    stack: Stack, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalWorker]:
    environment = {**stack.environment, "FLEET_KEY_PREFIX": prefix}
    with LocalWorker(environment, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def settings(settings: Settings, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FLEET_KEY_PREFIX", prefix)
    return settings.model_copy(update={"key_prefix": prefix})


@pytest.fixture
def audio(store: S3Store) -> str:
    """A short recording."""
    spoken = [s for s in load_samples() if s.expect == "ok" and s.name.endswith(".wav")]
    with (SAMPLES / spoken[0].name).open("rb") as file:
        store.upload("s3://audio/at-work/spoken.wav", file)
    store.write("s3://audio/at-work/broken.wav", b"no audio", "audio/wav")
    return "s3://audio/at-work/spoken.wav"


def a_manifest(path: Path, audio: str, files: int, **also: str) -> str:
    """Rows of the same recording with different ids."""
    rows = [{"audio": audio, "id": f"{number:04d}"} for number in range(files)]
    rows += [{"audio": other, "id": name} for name, other in also.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def wait_until_over(worker: LocalWorker, settings: Settings, job: str) -> None:
    worker.process.wait_until(lambda: bool(status(job, settings).counts.closed_at), DEADLINE_S)


@contextlib.contextmanager
def paused(worker: LocalWorker) -> Iterator[None]:
    """Suspend all processes of the worker."""
    os.killpg(worker.process.group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(worker.process.group, signal.SIGCONT)


def read(store: S3Store, uri: str) -> Any:
    return json.loads(store.read(uri))


def test_a_finished_job_has_a_report_and_a_success_marker(
    worker: LocalWorker, settings: Settings, store: S3Store, audio: str, output: str, tmp_path: Path
) -> None:
    job = enqueue([a_manifest(tmp_path / "a.jsonl", audio, 12)], output=output, limits=SMALL).job
    wait_until_over(worker, settings, job)
    written = read(store, job_uri(output, job, "report.json"))
    assert (written["files"], written["outcomes"]["ok"], written["failures"]) == (12, 12, {})
    assert written["audio_hours"] == pytest.approx(
        status(job, settings).counts.audio_ms / 3.6e6, abs=1e-4
    )
    assert store.read(job_uri(output, job, "_SUCCESS")) == b""
    assert store.read(job_uri(output, job, "failures.jsonl")) == b""
    again = enqueue([str(tmp_path / "a.jsonl")], output=output)
    wait_until_over(worker, settings, again.job)
    assert status(again.job, settings).counts.outcomes["skipped"] == 12


def test_failed_files_are_listed_and_can_be_retried(
    worker: LocalWorker, settings: Settings, store: S3Store, audio: str, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "a.jsonl", audio, 7, bad="s3://audio/at-work/broken.wav")
    job = enqueue([source], output=output, limits=SMALL).job
    wait_until_over(worker, settings, job)
    (group,) = failures(job, settings)
    assert (group.kind, group.count) == ("undecodable_audio", 1)
    (row,) = store.read(job_uri(output, job, "failures.jsonl")).splitlines()
    assert json.loads(row)["relative"] == "bad"
    with pytest.raises(ObjectMissing):
        store.read(job_uri(output, job, "_SUCCESS"))
    with (SAMPLES / "pin-code.wav").open("rb") as file:
        store.upload("s3://audio/at-work/broken.wav", file)
    assert retry(job, settings).files == 1
    wait_until_over(worker, settings, job)
    assert status(job, settings).counts.outcomes["ok"] == 8
    assert store.read(job_uri(output, job, "_SUCCESS")) == b""
    assert store.read(job_uri(output, job, "failures.jsonl")) == b""
    assert retry(job, settings).files == 0


@pytest.mark.slow
def test_a_cancelled_job_ends_soon_and_starts_no_further_file(
    worker: LocalWorker, settings: Settings, store: S3Store, audio: str, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "a.jsonl", audio, 1_000)
    job = enqueue([source], output=output, limits=ShardLimits(files=20)).job
    worker.process.wait_until(lambda: status(job, settings).counts.finished > 20, DEADLINE_S)
    cancel(job, settings)
    worker.process.wait_until(lambda: status(job, settings).counts.settled, 30)
    done = status(job, settings).counts
    assert done.outcomes["ok"] < 1_000
    assert done.cancelled == 1_000 - done.outcomes["ok"]
    worker.process.wait_until(lambda: not shards_waiting(settings), DEADLINE_S)
    worker.process.wait_until(lambda: status(job, settings).unacked_messages == 0, DEADLINE_S)
    assert status(job, settings).counts.outcomes["ok"] == done.outcomes["ok"]
    results = [one for one in store.list(output) if "/_jobs/" not in one.uri]
    assert len(results) == done.outcomes["ok"]
    with pytest.raises(ObjectMissing):
        store.read(job_uri(output, job, "_SUCCESS"))


@pytest.mark.slow
def test_a_small_job_does_not_wait_for_a_huge_one(
    worker: LocalWorker, settings: Settings, audio: str, output: str, tmp_path: Path
) -> None:
    huge = enqueue(
        [a_manifest(tmp_path / "huge.jsonl", audio, 1_000)], output=output, limits=SMALL
    ).job
    worker.process.wait_until(lambda: status(huge, settings).counts.finished > 0, DEADLINE_S)
    before = status(huge, settings).counts.finished
    small = enqueue(
        [a_manifest(tmp_path / "small.jsonl", audio, 20)], output=output + "small/", limits=SMALL
    ).job
    wait_until_over(worker, settings, small)
    meanwhile = status(huge, settings).counts.finished - before
    cancel(huge, settings)
    assert meanwhile < 200  # a few shards of the large job per shard of the small one
    worker.process.wait_until(lambda: not shards_waiting(settings), DEADLINE_S)


def test_a_shard_delivered_twice_is_counted_once(
    worker: LocalWorker, settings: Settings, audio: str, output: str, tmp_path: Path
) -> None:
    redis: Any = connect(settings)
    with paused(worker):
        source = a_manifest(tmp_path / "a.jsonl", audio, 10)
        job = enqueue([source], output=output, limits=SMALL).job
        name = settings.key_prefix + status(job, settings).counts.queue
        waiting = [key for key in redis.keys(f"{name}*") if redis.type(key) == "list"]
        for key in waiting:
            redis.rpush(key, *redis.lrange(key, 0, -1))
        names = [shard["shard"] for shard in shards_waiting(settings)]
        assert len(names) > len(set(names))
    wait_until_over(worker, settings, job)

    def copies_are_done() -> bool:
        now = status(job, settings)
        return not (now.ready_messages or now.unacked_messages or now.counts.in_flight)

    worker.process.wait_until(copies_are_done, DEADLINE_S)
    counts = status(job, settings).counts
    assert (counts.outcomes["ok"], counts.finished) == (10, 10)
    assert sum(one["files"] for one in report(job, settings)["throughput"]) == 10


@pytest.mark.slow
def test_a_job_whose_redis_is_wiped_midway_is_completed(
    worker: LocalWorker, settings: Settings, store: S3Store, audio: str, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "a.jsonl", audio, 200, bad="s3://audio/at-work/gone.wav")
    job = enqueue([source], output=output, limits=SMALL).job
    worker.process.wait_until(lambda: status(job, settings).counts.finished > 50, DEADLINE_S)
    with paused(worker):
        wipe(settings)
    found = reconcile(job, output=output, settings=settings)
    assert found.files == 201
    assert 40 <= found.done < 201
    assert found.done + found.failed + found.enqueued == 201
    wait_until_over(worker, settings, job)
    counts = status(job, settings).counts
    assert (counts.files, counts.finished, counts.outcomes["failed"]) == (201, 201, 1)
    results = [one for one in store.list(output) if "/_jobs/" not in one.uri]
    assert len(results) == 201
    row = store.read(job_uri(output, job, "failures.jsonl"))
    assert json.loads(row)["error"]["kind"] == "audio_missing"


def test_reconciling_a_finished_job_changes_nothing(
    worker: LocalWorker, settings: Settings, store: S3Store, audio: str, output: str, tmp_path: Path
) -> None:
    store.write("s3://audio/at-work/noise.wav", b"no audio either", "audio/wav")
    source = a_manifest(tmp_path / "a.jsonl", audio, 9, bad="s3://audio/at-work/noise.wav")
    job = enqueue([source], output=output, limits=SMALL).job
    wait_until_over(worker, settings, job)
    assert not cancel(job, settings)
    before = status(job, settings).counts
    found = reconcile(job, settings=settings)
    assert (found.done, found.failed, found.enqueued) == (9, 1, 0)
    assert status(job, settings).counts == before
    wipe(settings)
    reconcile(job, output=output, settings=settings)
    after = status(job, settings).counts
    assert (after.outcomes, after.audio_ms, after.files) == (
        before.outcomes,
        before.audio_ms,
        before.files,
    )


def test_deleted_results_and_the_success_marker_are_written_again(
    worker: LocalWorker, settings: Settings, store: S3Store, audio: str, output: str, tmp_path: Path
) -> None:
    job = enqueue([a_manifest(tmp_path / "a.jsonl", audio, 10)], output=output, limits=SMALL).job
    wait_until_over(worker, settings, job)
    for number in range(4):
        store.delete(f"{output}{number:04d}.json")
    with paused(worker):
        found = reconcile(job, settings=settings)
        assert (found.done, found.enqueued) == (6, 4)
        assert status(job, settings).waiting == 4
        with pytest.raises(ObjectMissing):
            store.read(job_uri(output, job, "_SUCCESS"))
    wait_until_over(worker, settings, job)
    assert store.read(job_uri(output, job, "_SUCCESS")) == b""
    assert json.loads(store.read(f"{output}0003.json"))["text"]
