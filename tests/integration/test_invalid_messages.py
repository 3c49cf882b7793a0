"""Invalid messages sent to a real worker are dead-lettered, and the worker continues."""

import bz2
import contextlib
import json
import pickle
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.message_size import MAX_MESSAGE_BYTES
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import envelope, push, shard_body, task_headers, waiting

SECRET = "secret-4711"
"""A value in a message that must not be logged."""

BOMB = zlib.compress(bytes(3 * MAX_MESSAGE_BYTES), 9)


class Opened:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture(scope="module")
def worker(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorker]:
    environment = {**stack.environment, "FLEET_ALLOWED_BUCKETS": "audio,transcripts"}
    with LocalWorker(environment, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


def _dead_letters(settings: Settings) -> list[DeadLetter]:
    return DeadLetters(connect(settings)).all()


def _dead_lettered(worker: LocalWorker, settings: Settings, element: Any) -> DeadLetter:
    """Send the element and return its dead letter."""
    before = {one.message_id for one in _dead_letters(settings)}
    push(settings, element)
    new: list[DeadLetter] = []

    def arrived() -> bool:
        new[:] = [one for one in _dead_letters(settings) if one.message_id not in before]
        return bool(new) and not waiting(settings)

    worker.process.wait_until(arrived, 60)
    (dead_letter,) = new
    return dead_letter


def _bare(**changed: Any) -> dict[str, Any]:
    return {**envelope(shard_body({"secret": SECRET}), task_headers()), **changed}


def _without(*path: str) -> dict[str, Any]:
    message = inner = _bare()
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return message


PAST = "2020-01-01T00:00:00"

INVALID: dict[str, tuple[Any, str]] = {
    "broken JSON": (
        envelope(b'[[{"secret": "' + SECRET.encode(), task_headers()),
        "cannot be decoded",
    ),
    "no UTF-8": (envelope(b"\xff\xfe" + SECRET.encode(), task_headers()), "cannot be decoded"),
    "deep JSON": (envelope(b"[" * 200_000, task_headers()), ""),
    "unknown task": (envelope(b"[[],{},{}]", task_headers(task="fleet.other")), "fleet.other"),
    "Celery's own task": (envelope(b"[[],{},{}]", task_headers(task="celery.map")), "celery.map"),
    "a task that is a list": (envelope(b"[[],{},{}]", task_headers(task=["x"])), ""),
    "no task": (envelope(b'{"secret": "%s"}' % SECRET.encode(), {}), "no task name"),
    "no id": (envelope(b"[[],{},{}]", {"task": "fleet.transcribe"}), "id"),
    "an id that is a list": (envelope(b"[[],{},{}]", task_headers(id=[1])), ""),
    "two parts": (envelope(b"[[],{}]", task_headers()), ""),
    "a number": (envelope(b"7", task_headers()), ""),
    "odd ETA": (envelope(shard_body({}), task_headers(eta="soon")), "the ETA is not a valid time"),
    "far ETA": (envelope(shard_body({}), task_headers(eta="9999-12-31T23:59:59")), "ETA is not"),
    "an end in the past": (envelope(shard_body({}), task_headers(expires=PAST)), "malformed shard"),
    "no list of arguments": (envelope(b"[7, {}, {}]", task_headers()), "the body is not"),
    "no arguments": (envelope(b"[null, {}, {}]", task_headers()), "the body is not"),
    "odd more": (envelope(b"[[{}], {}, [1]]", task_headers()), "the body is not"),
    "callbacks": (envelope(b'[[{}], {}, {"task": 1}]', task_headers()), "callbacks, chains and"),
    "odd time limits": (envelope(shard_body({}), task_headers(timelimit=7)), "malformed shard"),
    "odd stamps": (envelope(shard_body({}), task_headers(stamped_headers=7)), "malformed shard"),
    "odd retries": (envelope(shard_body({}), task_headers(retries="x")), "malformed shard"),
    "zlib bomb": (envelope(BOMB, task_headers(compression="zlib")), "decompresses to more than"),
    "bzip2": (
        envelope(bz2.compress(b"[[],{},{}]"), task_headers(compression="bzip2")),
        "application/x-bz2 are not supported",
    ),
    "no zlib": (envelope(SECRET.encode(), task_headers(compression="zlib")), "cannot be decoded"),
    "cut off": (
        envelope(zlib.compress(b"x" * 99)[:9], task_headers(compression="zlib")),
        "truncated",
    ),
    "unknown packing": (envelope(b"x", task_headers(compression="rot13")), "rot13"),
    "50 MB": (envelope(b" " * 50_000_000, task_headers()), "more than 33554432 bytes"),
    "33 MB": (envelope(b" " * (MAX_MESSAGE_BYTES + 9), task_headers()), "more than 33554432 bytes"),
    "no envelope": (SECRET, "not valid JSON"),
    "a bare shard": ({"schema": 1, "shard": SECRET}, "not a Celery message"),
    "a list": ([1, 2, 3], "not a Celery message"),
    "nothing": ("", "not valid JSON"),
    "headers that are a list": (_bare(headers=[SECRET]), "not a Celery message"),
    "no delivery tag": (_without("properties", "delivery_tag"), "not a Celery message"),
    "no routing key": (
        _without("properties", "delivery_info", "routing_key"),
        "not a Celery message",
    ),
    "no base64": (_bare(body="%%%"), "not a Celery message"),
    "half an id": (
        envelope(shard_body({}), task_headers(id="\ud800x")),
        "the id is not a valid string",
    ),
    "a long id": (
        envelope(shard_body({}), task_headers(id="x" * 9999)),
        "the id is not a valid string",
    ),
    "half a character": (envelope(b"[]", task_headers(task="\udfff")), "udfff"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_message_is_dead_lettered_with_a_reason(
    worker: LocalWorker, settings: Settings, name: str
) -> None:
    element, why = INVALID[name]
    dead_letter = _dead_lettered(worker, settings, element)
    assert why in dead_letter.reason
    assert 0 < len(dead_letter.reason) <= 300
    assert len(json.dumps(dead_letter.document)) < 20_000
    assert worker.page("/healthz")[0] == 200
    assert SECRET not in worker.process.log.read_text()


def test_a_pickle_is_dead_lettered_without_being_loaded(
    worker: LocalWorker, settings: Settings, tmp_path: Path
) -> None:
    body = pickle.dumps(((Opened(tmp_path / "opened"),), {}, {}))
    kind = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
    dead_letter = _dead_lettered(worker, settings, envelope(body, task_headers(), **kind))
    assert "pickle" in dead_letter.reason
    assert not (tmp_path / "opened").exists()


@pytest.mark.slow
def test_decompression_bombs_do_not_fill_the_memory_of_the_parent(
    worker: LocalWorker, settings: Settings
) -> None:
    """Each message decompresses to 100 MB, all of them to 2 GB."""
    parent = _parent(worker)
    before = parent.memory_info().rss
    for _ in range(20):
        _dead_lettered(worker, settings, envelope(BOMB, task_headers(compression="zlib")))
    assert parent.memory_info().rss - before < 4 * MAX_MESSAGE_BYTES


def _parent(worker: LocalWorker) -> psutil.Process:
    children = psutil.Process(worker.process.group).children(recursive=True)
    (celery,) = (one for one in children if one.parent() not in children and _is_celery(one))
    return celery


def _is_celery(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "celery" in process.cmdline()
    return False


def _shard(audio: str, where: str) -> dict[str, Any]:
    name = str(uuid.uuid4())
    return {"schema": 1, "shard": name, "output": where, "files": [{"audio": audio}]}


@pytest.mark.slow
def test_a_message_stays_in_the_queue_until_its_dead_letter_can_be_written(
    worker: LocalWorker, settings: Settings
) -> None:
    client: Any = connect(settings)
    client.rename("fleet:dead", "kept")
    client.set("fleet:dead", "not a hash")
    push(settings, _without("headers", "task"))
    log = worker.process.log
    worker.process.wait_until(
        lambda: log.read_text().count("cannot write dead letter for message") > 1, 60
    )
    client.rename("kept", "fleet:dead")
    before = len(_dead_letters(settings))
    worker.process.wait_until(lambda: len(_dead_letters(settings)) > before, 60)
    worker.process.wait_until(lambda: not waiting(settings), 60)


def test_a_valid_message_is_processed_after_invalid_ones(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    where = f"s3://transcripts/{uuid.uuid4()}/"
    with (SAMPLES / "pin-code.wav").open("rb") as file:
        store.upload("s3://audio/pin-code.wav", file)
    body = zlib.compress(shard_body(_shard("s3://audio/pin-code.wav", where)))
    push(settings, envelope(body, task_headers(compression="zlib")))
    worker.process.wait_until(lambda: bool(list(store.list(where))), 60)
    assert json.loads(store.read(where + "pin-code.wav.json"))["text"]


def test_audio_in_a_disallowed_bucket_is_denied(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    where = f"s3://transcripts/{uuid.uuid4()}/"
    store.write("s3://forbidden/a.wav", b"x", "audio/wav")
    push(settings, envelope(shard_body(_shard("s3://forbidden/a.wav", where)), task_headers()))
    worker.process.wait_until(lambda: bool(list(store.list(where))), 60)
    error = json.loads(store.read(where + "a.wav.error.json"))["error"]
    assert error["kind"] == "access_denied"
    assert "bucket forbidden is not in FLEET_ALLOWED_BUCKETS" in error["message"]


def test_a_shard_with_output_in_a_disallowed_bucket_is_dead_lettered(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    shard = _shard("s3://audio/pin-code.wav", "s3://forbidden/out/")
    dead_letter = _dead_lettered(worker, settings, envelope(shard_body(shard), task_headers()))
    assert "bucket forbidden is not in FLEET_ALLOWED_BUCKETS" in dead_letter.reason
    assert not list(store.list("s3://forbidden/out/"))
