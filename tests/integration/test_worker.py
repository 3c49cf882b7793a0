"""A real worker behind a faulty proxy: failed files do not affect other files."""

import json
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.faults.storage import Fault, Storage, faulty_storage
from funasr_fleet import enqueue, status
from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing
from funasr_fleet.storage.s3 import S3Store


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[Storage]:
    with faulty_storage(stack.environment["AWS_ENDPOINT_URL_S3"]) as running:
        yield running


@pytest.fixture(scope="module")
def worker(
    stack: Stack, proxy: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalWorker]:
    environment = {**stack.environment, "AWS_ENDPOINT_URL_S3": proxy.url}
    with LocalWorker(environment, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def audio(store: S3Store) -> str:
    """A prefix with three files that can be transcribed."""
    prefix = f"s3://audio/{uuid.uuid4()}/"
    sample = next(s for s in load_samples() if s.expect == "ok" and s.name.endswith(".wav"))
    for name in ("a.wav", "b.wav", "c.wav"):
        with (SAMPLES / sample.name).open("rb") as file:
            store.upload(prefix + name, file)
    return prefix


def output() -> str:
    return f"s3://transcripts/{uuid.uuid4()}/"


def finish(worker: LocalWorker, job: str) -> None:
    worker.process.wait_until(lambda: status(job).counts.complete, 60)


def test_a_denied_object_is_reported_and_other_files_are_transcribed(
    worker: LocalWorker, proxy: Storage, store: S3Store, audio: str
) -> None:
    proxy.faults[:] = [Fault("GET", "b.wav", 403, "AccessDenied")]
    where = output()
    job = enqueue([audio], output=where).job
    finish(worker, job)
    proxy.faults.clear()
    assert json.loads(store.read(where + "b.wav.error.json"))["error"]["kind"] == "access_denied"
    assert json.loads(store.read(where + "a.wav.json"))["text"]
    assert json.loads(store.read(where + "c.wav.json"))["text"]
    assert status(job).counts.outcomes["failed"] == 1


def test_a_success_after_a_failure_removes_the_error(
    worker: LocalWorker, proxy: Storage, store: S3Store, audio: str
) -> None:
    where = output()
    proxy.faults[:] = [Fault("GET", "b.wav", 403, "AccessDenied")]
    finish(worker, enqueue([audio], output=where).job)
    proxy.faults.clear()
    again = enqueue([audio], output=where)
    finish(worker, again.job)
    assert (again.skipped, again.enqueued) == (2, 1)
    assert json.loads(store.read(where + "b.wav.json"))["text"]
    with pytest.raises(ObjectMissing):
        store.read(where + "b.wav.error.json")


@pytest.mark.slow
def test_a_temporary_storage_failure_is_retried(
    worker: LocalWorker, proxy: Storage, store: S3Store, audio: str
) -> None:
    where = output()
    proxy.faults[:] = [Fault("GET", "c.wav", 503, "SlowDown")]
    job = enqueue([audio], output=where).job
    log = worker.process.log
    worker.process.wait_until(lambda: f'"shard": "{job}-00000-0000"' in _postponed(log), 60)
    proxy.faults.clear()
    finish(worker, job)
    receipt = json.loads(store.read(where + "c.wav.json"))["receipt"]
    assert receipt["attempt"] == 2
    # results committed before keep their outcome and are not repeated
    assert status(job).counts.outcomes == {
        "ok": 3,
        "empty": 0,
        "failed": 0,
        "skipped": 0,
        "cancelled": 0,
    }


@pytest.mark.slow
def test_a_file_that_crashes_its_worker_three_times_is_dead_lettered(
    worker: LocalWorker, settings: Settings, store: S3Store, tmp_path: Path
) -> None:
    """The test kills the child at each start of the shard; the file is long enough for that."""
    longest = max(load_samples(), key=lambda sample: len(sample.text))
    with (SAMPLES / longest.name).open("rb") as file:
        store.upload("s3://audio/long", file)
    manifest = tmp_path / "long.jsonl"
    manifest.write_text(json.dumps({"audio": "s3://audio/long", "id": "long"}) + "\n")
    where = output()
    job = enqueue([str(manifest)], output=where).job
    dead_letters = DeadLetters(connect(settings))
    killed, mine = 0, list[str]()

    def is_dead_lettered() -> bool:
        nonlocal killed
        if _begun(worker.process.log, job) > killed:
            killed += 1
            os.kill(_child_pid(worker), signal.SIGKILL)
        mine[:] = [
            one.reason for one in dead_letters.all() if (one.document or {}).get("job") == job
        ]
        return bool(mine)

    worker.process.wait_until(is_dead_lettered, 120)
    assert killed == 3
    assert "crashed its worker 3 times" in mine[0]
    assert "signal 9 (SIGKILL) (on cpu, slot 0)" in mine[0]
    finish(worker, job)
    assert status(job).counts.outcomes["failed"] == 1
    report = json.loads(store.read(where + "long.error.json"))
    assert (report["error"]["kind"], report["error"]["attempts"]) == ("poison", 3)
    worker.wait_until_ready()


def _begun(log: Path, job: str) -> int:
    lines = log.read_text().splitlines()
    return sum('"shard started"' in line and f'"job": "{job}"' in line for line in lines)


def _child_pid(worker: LocalWorker) -> int:
    (state,) = worker.run_dir.glob("*/slot0.json")
    return int(json.loads(state.read_text())["pid"])


def _postponed(log: Path) -> str:
    return "\n".join(
        line for line in log.read_text().splitlines() if "shard retry scheduled" in line
    )


def test_a_shard_whose_output_cannot_be_written_is_dead_lettered(
    worker: LocalWorker, proxy: Storage, settings: Settings, audio: str
) -> None:
    where = output()
    proxy.faults[:] = [Fault("PUT", where.removeprefix("s3:/"), 403, "AccessDenied")]
    job = enqueue([audio], output=where).job
    dead_letters = DeadLetters(connect(settings))
    mine: list[str] = []

    def is_dead_lettered() -> bool:
        mine[:] = [
            one.reason for one in dead_letters.all() if (one.document or {}).get("job") == job
        ]
        return bool(mine)

    worker.process.wait_until(is_dead_lettered, 60)
    proxy.faults.clear()
    assert "cannot write results" in mine[0]
    assert "denied" in mine[0]


def test_each_range_of_a_file_has_its_own_result(
    worker: LocalWorker, store: S3Store, audio: str, tmp_path: Path
) -> None:
    rows = [
        {"audio": audio + "a.wav", "id": "whole"},
        {"audio": audio + "a.wav", "id": "second", "start_ms": 1000},
        {"audio": audio + "a.wav", "id": "beyond", "start_ms": 10_000_000},
    ]
    manifest = tmp_path / "ranges.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    where = output()
    finish(worker, enqueue([str(manifest)], output=where).job)
    second = json.loads(store.read(where + "second.json"))
    assert all(segment["start_ms"] >= 1000 for segment in second["segments"])
    assert second["audio"]["start_ms"] == 1000
    beyond = json.loads(store.read(where + "beyond.error.json"))
    assert beyond["error"]["kind"] == "audio_too_short"
