"""Deeply nested messages become dead letters, and the worker takes the next message."""

import contextlib
import json
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import envelope, push, result_at, shard_body, task_headers, waiting

STALL_S = 5


@pytest.fixture(scope="module")
def worker(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorker]:
    with LocalWorker(stack.environment, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


ALONE = "unchecked:"
"""Key prefix of a worker that shares its queue with no other."""

UNCHECKED = """
import funasr_fleet.broker.message_size
funasr_fleet.broker.message_size.MAX_DEPTH = 10_000
"""


@pytest.fixture
def impatient_worker(stack: Stack, tmp_path: Path) -> Iterator[LocalWorker]:
    own = {"FLEET_STALL_S": str(STALL_S), "FLEET_KEY_PREFIX": ALONE}
    with LocalWorker({**stack.environment, **own}, tmp_path) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def unchecked_worker(stack: Stack, tmp_path: Path) -> Iterator[LocalWorker]:
    """A worker without the check of the nesting depth: pickle fails in Celery's pool."""
    (tmp_path / "sitecustomize.py").write_text(UNCHECKED)
    own = {"PYTHONPATH": str(tmp_path), "FLEET_KEY_PREFIX": ALONE}
    with LocalWorker({**stack.environment, **own}, tmp_path) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def output(store: S3Store) -> str:
    with (SAMPLES / "pin-code.wav").open("rb") as file:
        store.upload("s3://audio/pin-code.wav", file)
    return f"s3://transcripts/{uuid.uuid4()}/"


def shard(output: str, **more: Any) -> dict[str, Any]:
    files = [{"audio": "s3://audio/pin-code.wav"}]
    return {"schema": 1, "shard": str(uuid.uuid4()), "output": output, "files": files, **more}


NESTED = "nested lists"
"""Stands for the nested value, which json cannot write itself."""


def deep(depth: int, text: str) -> str:
    return text.replace(json.dumps(NESTED), "[" * depth + "]" * depth)


def body(depth: int, output: str, **more: Any) -> str:
    written = deep(depth, shard_body(shard(output, **more)).decode())
    return json.dumps(envelope(written.encode(), task_headers()))


def in_hotwords(output: str, depth: int) -> str:
    return body(depth, output, options={"hotwords": NESTED})


def in_file_options(output: str, depth: int) -> str:
    files = [{"audio": "s3://audio/pin-code.wav", "options": {"hotwords": NESTED}}]
    return body(depth, output, files=files)


def in_unknown_field(output: str, depth: int) -> str:
    return body(depth, output, extra=NESTED)


def in_header(output: str, depth: int) -> str:
    message = envelope(shard_body(shard(output)), task_headers(origin=NESTED))
    return deep(depth, json.dumps(message))


def in_property(output: str, depth: int) -> str:
    message = envelope(shard_body(shard(output)), task_headers())
    message["properties"]["reply_to"] = NESTED
    return deep(depth, json.dumps(message))


def instead_of_envelope(output: str, depth: int) -> str:
    return deep(depth, json.dumps(NESTED))


def dead_lettered(worker: LocalWorker, settings: Settings, before: set[str]) -> list[DeadLetter]:
    """The new dead letters, once the queue is empty."""
    dead_letters = DeadLetters(connect(settings), settings.key_prefix)

    def new() -> list[DeadLetter]:
        return [one for one in dead_letters.all() if one.message_id not in before]

    worker.process.wait_until(lambda: bool(new()) and not waiting(settings), 60)
    return new()


@pytest.mark.parametrize("depth", [40, 350, 700, 900, 940, 980])
@pytest.mark.parametrize(
    "place",
    [in_hotwords, in_file_options, in_unknown_field, in_header, in_property, instead_of_envelope],
)
def test_a_nested_message_becomes_a_dead_letter_and_the_next_is_transcribed(
    worker: LocalWorker, settings: Settings, store: S3Store, output: str, place: Any, depth: int
) -> None:
    before = {dead_letter.message_id for dead_letter in DeadLetters(connect(settings)).all()}
    push(settings, place(output, depth))
    assert len(dead_lettered(worker, settings, before)) == 1
    push(settings, envelope(shard_body(shard(output)), task_headers()))
    assert result_at(worker, store, output + "pin-code.wav.json")["text"]
    assert worker.page("/healthz")[0] == 200


@pytest.mark.slow
def test_an_idle_child_that_starts_nothing_fails_healthz_and_is_replaced(
    impatient_worker: LocalWorker, settings: Settings, store: S3Store, output: str
) -> None:
    worker = impatient_worker
    settings = settings.model_copy(update={"key_prefix": ALONE})
    (child,) = worker_children(worker)
    os.kill(child, signal.SIGSTOP)
    try:
        push(settings, envelope(shard_body(shard(output)), task_headers()))
        worker.process.wait_until(lambda: worker.page("/healthz")[0] == 503, 60)
        assert "although a child was idle" in worker.page("/healthz")[1]
        assert result_at(worker, store, output + "pin-code.wav.json", 180)["text"]
    finally:
        with contextlib.suppress(ProcessLookupError):  # the child is killed during the test
            os.kill(child, signal.SIGCONT)
    assert child not in worker_children(worker)
    worker.process.wait_until(lambda: worker.page("/healthz")[0] == 200, 60)


def worker_children(worker: LocalWorker) -> list[int]:
    states = [json.loads(path.read_text()) for path in worker.run_dir.rglob("slot*.json")]
    return [state["pid"] for state in states if psutil.pid_exists(state["pid"])]


@pytest.mark.slow
def test_a_message_that_the_pool_rejects_frees_its_slot(
    unchecked_worker: LocalWorker, settings: Settings, store: S3Store, output: str
) -> None:
    settings = settings.model_copy(update={"key_prefix": ALONE})
    before: set[str] = set()
    for _ in range(3):
        push(settings, in_hotwords(output, 700))
        (dead_letter,) = dead_lettered(unchecked_worker, settings, before)
        before.add(dead_letter.message_id)
        assert "cannot be sent to a worker child: maximum recursion depth" in dead_letter.reason
    push(settings, envelope(shard_body(shard(output)), task_headers()))
    assert result_at(unchecked_worker, store, output + "pin-code.wav.json")["text"]
    unchecked_worker.process.stop()
    assert "shutdown timed out" not in unchecked_worker.process.log.read_text()
