"""Requeued dead letters with a real worker: they succeed once their cause is fixed."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from bench.faults.storage import Fault, Storage, faulty_storage
from funasr_fleet import enqueue, status
from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing
from funasr_fleet.storage.s3 import S3Store

pytestmark = pytest.mark.slow

DEADLINE_S = 120
NAMES = ("a.wav", "b.wav", "c.wav")


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"{uuid.uuid4()}:"


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[Storage]:
    with faulty_storage(stack.environment["AWS_ENDPOINT_URL_S3"]) as running:
        yield running


@pytest.fixture(scope="module")
def worker(
    stack: Stack, proxy: Storage, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalWorker]:
    own = {"AWS_ENDPOINT_URL_S3": proxy.url, "FLEET_KEY_PREFIX": prefix}
    with LocalWorker({**stack.environment, **own}, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def settings(settings: Settings, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FLEET_KEY_PREFIX", prefix)
    return settings.model_copy(update={"key_prefix": prefix})


@pytest.fixture
def audio(store: S3Store) -> str:
    """A prefix with three files that can be transcribed."""
    where = f"s3://audio/{uuid.uuid4()}/"
    sample = next(s for s in load_samples() if s.expect == "ok" and s.name.endswith(".wav"))
    for name in NAMES:
        with (SAMPLES / sample.name).open("rb") as file:
            store.upload(where + name, file)
    return where


def fleet_dead(*arguments: str) -> Any:
    """The JSON output of `fleet dead`."""
    command = [sys.executable, "-m", "funasr_fleet", "dead", *arguments, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def dead_letters_of(settings: Settings, job: str) -> list[DeadLetter]:
    dead_letters = DeadLetters(connect(settings), settings.key_prefix)
    return [one for one in dead_letters.all() if one.job == job]


def deny_results(proxy: Storage, where: str) -> None:
    """Deny every output below a prefix but the job folder: the job ends with all files failed."""
    folder = where.removeprefix("s3:/")
    names = (*NAMES, "~funasr-fleet-write-test")
    proxy.faults[:] = [Fault("PUT", folder + name, 403, "AccessDenied") for name in names]


def wait_until_over(worker: LocalWorker, settings: Settings, job: str) -> None:
    worker.process.wait_until(lambda: bool(status(job, settings).counts.closed_at), DEADLINE_S)


@pytest.mark.parametrize("files_of_a_shard", [1, 3])
def test_requeued_files_succeed_once_the_output_is_writable(
    worker: LocalWorker,
    proxy: Storage,
    settings: Settings,
    store: S3Store,
    audio: str,
    files_of_a_shard: int,
) -> None:
    where = f"s3://transcripts/{uuid.uuid4()}/"
    deny_results(proxy, where)
    job = enqueue([audio], output=where, limits=ShardLimits(files=files_of_a_shard)).job
    wait_until_over(worker, settings, job)
    assert status(job, settings).counts.outcomes["failed"] == 3
    assert json.loads(store.read(job_uri(where, job, "report.json")))["outcomes"]["failed"] == 3
    printed = fleet_dead("list", "--job", job)
    assert printed["total"] == len(printed["letters"]) == len(dead_letters_of(settings, job))
    assert {one for dead_letter in printed["letters"] for one in dead_letter["files"]} == {
        audio + name for name in NAMES
    }
    assert all("denied" in dead_letter["reason"] for dead_letter in printed["letters"])

    proxy.faults.clear()
    assert fleet_dead("requeue", "--job", job)["files"] == 3
    wait_until_over(worker, settings, job)
    assert status(job, settings).counts.outcomes == {
        **dict.fromkeys(("empty", "failed", "skipped", "cancelled"), 0),
        "ok": 3,
    }
    report = json.loads(store.read(job_uri(where, job, "report.json")))
    assert (report["outcomes"]["ok"], report["outcomes"]["failed"]) == (3, 0)
    assert store.read(job_uri(where, job, "_SUCCESS")) == b""
    assert store.read(job_uri(where, job, "failures.jsonl")) == b""
    for name in NAMES:
        assert json.loads(store.read(f"{where}{name}.json"))["text"]
        with pytest.raises(ObjectMissing):
            store.read(f"{where}{name}.error.json")
    assert dead_letters_of(settings, job) == []


def test_a_requeued_shard_that_fails_again_becomes_a_dead_letter_again(
    worker: LocalWorker, proxy: Storage, settings: Settings, store: S3Store, audio: str
) -> None:
    where = f"s3://transcripts/{uuid.uuid4()}/"
    deny_results(proxy, where)
    job = enqueue([audio], output=where).job
    wait_until_over(worker, settings, job)
    before = status(job, settings).counts.closed_at
    (dead_letter,) = dead_letters_of(settings, job)
    assert fleet_dead("requeue", dead_letter.message_id)["requeued"] == 1
    worker.process.wait_until(
        lambda: status(job, settings).counts.closed_at not in (None, before), DEADLINE_S
    )
    proxy.faults.clear()
    (again,) = dead_letters_of(settings, job)
    assert again.message_id == dead_letter.message_id
    assert status(job, settings).counts.outcomes["failed"] == 3
    assert fleet_dead("drop", "--job", job) == {"dropped": 1, "unknown": []}
    assert dead_letters_of(settings, job) == []
