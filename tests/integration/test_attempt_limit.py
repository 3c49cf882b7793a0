"""FLEET_MAX_ATTEMPTS applies to every cause of a child exit, and the queue is not blocked."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import envelope, push, result_at, shard_body, task_headers, waiting

pytestmark = pytest.mark.slow

MAX_ATTEMPTS = 2
EXIT = "exits while it is parsed"

EXITS_WHEN_PARSED = f"""
import os
from funasr_fleet.contract.job import Shard
parse = Shard.from_message.__func__

def from_message(cls, document):
    if document.get("shard") == "{EXIT}":
        os._exit(9)
    return parse(cls, document)

Shard.from_message = classmethod(from_message)
"""


@pytest.fixture(scope="module")
def worker(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorker]:
    directory = tmp_path_factory.mktemp("worker")
    (directory / "sitecustomize.py").write_text(EXITS_WHEN_PARSED)
    own = {"FLEET_MAX_ATTEMPTS": str(MAX_ATTEMPTS), "PYTHONPATH": str(directory)}
    with LocalWorker({**stack.environment, **own}, directory) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def output(store: S3Store) -> str:
    with (SAMPLES / "pin-code.wav").open("rb") as file:
        store.upload("s3://audio/pin-code.wav", file)
    return f"s3://transcripts/{uuid.uuid4()}/"


def shard(output: str, **more: Any) -> dict[str, Any]:
    files = [{"audio": "s3://audio/pin-code.wav", "index": 1}]
    return {"schema": 1, "shard": str(uuid.uuid4()), "output": output, "files": files, **more}


def crashes(worker: LocalWorker) -> int:
    """The number of replaced children; each one logs the device it starts on."""
    return worker.process.log.read_text().count('"slot 0 starting on cpu') - 1


def dead_letter_of(worker: LocalWorker, settings: Settings, document: dict[str, Any]) -> DeadLetter:
    """Send the message and return its dead letter."""
    headers = task_headers()
    push(settings, envelope(shard_body(document), headers))
    dead_letters = DeadLetters(connect(settings))
    worker.process.wait_until(lambda: dead_letters.exists(headers["id"]), 120)
    worker.process.wait_until(lambda: not waiting(settings), 60)
    (dead_letter,) = dead_letters.take([headers["id"]])
    return dead_letter


def is_transcribed(
    worker: LocalWorker, settings: Settings, store: S3Store, document: dict[str, Any]
) -> None:
    push(settings, envelope(shard_body(document), task_headers()))
    assert result_at(worker, store, document["output"] + "pin-code.wav.json")["text"]


def test_an_invalid_job_name_is_rejected_without_a_crash(
    worker: LocalWorker, settings: Settings, store: S3Store, output: str
) -> None:
    job = f"j{uuid.uuid4()}"
    client: Any = connect(settings)
    client.setbit(Keys().job(job, "failed"), 7, 1)
    dead_letter = dead_letter_of(worker, settings, shard(output, job=f"{job}:failed"))
    assert "malformed shard: job: " in dead_letter.reason
    assert "is not a job name" in dead_letter.reason
    is_transcribed(worker, settings, store, shard(output))
    assert crashes(worker) == 0


def test_a_job_that_the_ledger_rejects_crashes_at_most_the_limit_of_children(
    worker: LocalWorker, settings: Settings, store: S3Store, output: str
) -> None:
    job, before = f"j{uuid.uuid4()}", crashes(worker)
    connect(settings).hset(Keys().job(job, "ok"), "not", "a bitmap")
    connect(settings).hset(Keys().job(job, "failed"), "not", "a bitmap")
    dead_letter = dead_letter_of(worker, settings, shard(output, job=job))
    assert f"crashed its worker {MAX_ATTEMPTS} times" in dead_letter.reason
    is_transcribed(worker, settings, store, shard(output))
    assert crashes(worker) - before == MAX_ATTEMPTS


def test_the_parent_dead_letters_a_message_whose_children_exit_before_counting(
    worker: LocalWorker, settings: Settings, store: S3Store, output: str
) -> None:
    before, document = crashes(worker), shard(output) | {"shard": EXIT}
    dead_letter = dead_letter_of(worker, settings, document)
    assert dead_letter.reason == (
        f"crashed its worker {MAX_ATTEMPTS + 1} times; last crash: exitcode 9"
    )
    assert dead_letter.document == document
    is_transcribed(worker, settings, store, shard(output))
    assert crashes(worker) - before == MAX_ATTEMPTS + 1
