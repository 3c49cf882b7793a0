"""Messages that are no task, sent to a real worker: each is put aside, and the worker goes on."""

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

HUSH = "hush-4711"
"""Stands for what somebody put into a message and must not be logged."""

BOMB = zlib.compress(bytes(3 * MAX_MESSAGE_BYTES), 9)


class Opened:
    """Unpickling it leaves a trace."""

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


def _letters(settings: Settings) -> list[DeadLetter]:
    return DeadLetters(connect(settings)).all()


def _put_aside(worker: LocalWorker, settings: Settings, element: Any) -> DeadLetter:
    """Send it; the letter that comes of it."""
    before = {one.message_id for one in _letters(settings)}
    push(settings, element)
    new: list[DeadLetter] = []

    def arrived() -> bool:
        new[:] = [one for one in _letters(settings) if one.message_id not in before]
        return bool(new) and not waiting(settings)

    worker.process.wait_until(arrived, 60)
    (letter,) = new
    return letter


def _bare(**changed: Any) -> dict[str, Any]:
    return {**envelope(shard_body({"secret": HUSH}), task_headers()), **changed}


def _without(*path: str) -> dict[str, Any]:
    message = inner = _bare()
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return message


PAST = "2020-01-01T00:00:00"

REFUSED: dict[str, tuple[Any, str]] = {
    "broken JSON": (
        envelope(b'[[{"secret": "' + HUSH.encode(), task_headers()),
        "cannot be decoded",
    ),
    "no UTF-8": (envelope(b"\xff\xfe" + HUSH.encode(), task_headers()), "cannot be decoded"),
    "deep JSON": (envelope(b"[" * 200_000, task_headers()), ""),
    "unknown task": (envelope(b"[[],{},{}]", task_headers(task="fleet.other")), "fleet.other"),
    "Celery's own task": (envelope(b"[[],{},{}]", task_headers(task="celery.map")), "celery.map"),
    "a task that is a list": (envelope(b"[[],{},{}]", task_headers(task=["x"])), ""),
    "no task": (envelope(b'{"secret": "%s"}' % HUSH.encode(), {}), "no task name"),
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
    "no zlib": (envelope(HUSH.encode(), task_headers(compression="zlib")), "cannot be decoded"),
    "cut off": (
        envelope(zlib.compress(b"x" * 99)[:9], task_headers(compression="zlib")),
        "truncated",
    ),
    "unknown packing": (envelope(b"x", task_headers(compression="rot13")), "rot13"),
    "50 MB": (envelope(b" " * 50_000_000, task_headers()), "more than 33554432 bytes"),
    "33 MB": (envelope(b" " * (MAX_MESSAGE_BYTES + 9), task_headers()), "more than 33554432 bytes"),
    "no envelope": (HUSH, "not valid JSON"),
    "a bare shard": ({"schema": 1, "shard": HUSH}, "not a Celery message"),
    "a list": ([1, 2, 3], "not a Celery message"),
    "nothing": ("", "not valid JSON"),
    "headers that are a list": (_bare(headers=[HUSH]), "not a Celery message"),
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


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_task_is_put_aside_with_a_reason(
    worker: LocalWorker, settings: Settings, name: str
) -> None:
    element, why = REFUSED[name]
    letter = _put_aside(worker, settings, element)
    assert why in letter.reason
    assert 0 < len(letter.reason) <= 300
    assert len(json.dumps(letter.document)) < 20_000
    assert worker.page("/healthz")[0] == 200
    assert HUSH not in worker.process.log.read_text()


def test_a_pickle_is_put_aside_and_not_opened(
    worker: LocalWorker, settings: Settings, tmp_path: Path
) -> None:
    body = pickle.dumps(((Opened(tmp_path / "opened"),), {}, {}))
    kind = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
    letter = _put_aside(worker, settings, envelope(body, task_headers(), **kind))
    assert "pickle" in letter.reason
    assert not (tmp_path / "opened").exists()


@pytest.mark.slow
def test_bombs_do_not_fill_the_memory_of_the_parent(
    worker: LocalWorker, settings: Settings
) -> None:
    """Each of them unpacks to 100 MB, together to 2 GB."""
    parent = _parent(worker)
    before = parent.memory_info().rss
    for _ in range(20):
        _put_aside(worker, settings, envelope(BOMB, task_headers(compression="zlib")))
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
def test_one_that_cannot_be_put_aside_stays_until_it_can(
    worker: LocalWorker, settings: Settings
) -> None:
    client: Any = connect(settings)
    client.rename("fleet:dead", "kept")
    client.set("fleet:dead", "no place for letters")
    push(settings, _without("headers", "task"))
    log = worker.process.log
    worker.process.wait_until(
        lambda: log.read_text().count("cannot write dead letter for message") > 1, 60
    )
    client.rename("kept", "fleet:dead")
    before = len(_letters(settings))
    worker.process.wait_until(lambda: len(_letters(settings)) > before, 60)
    worker.process.wait_until(lambda: not waiting(settings), 60)


def test_after_all_that_a_good_message_is_worked_on(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    where = f"s3://transcripts/{uuid.uuid4()}/"
    with (SAMPLES / "pin-code.wav").open("rb") as file:
        store.upload("s3://audio/pin-code.wav", file)
    body = zlib.compress(shard_body(_shard("s3://audio/pin-code.wav", where)))
    push(settings, envelope(body, task_headers(compression="zlib")))
    worker.process.wait_until(lambda: bool(list(store.list(where))), 60)
    assert json.loads(store.read(where + "pin-code.wav.json"))["text"]


def test_audio_in_a_bucket_that_is_not_allowed_is_denied(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    where = f"s3://transcripts/{uuid.uuid4()}/"
    store.write("s3://forbidden/a.wav", b"x", "audio/wav")
    push(settings, envelope(shard_body(_shard("s3://forbidden/a.wav", where)), task_headers()))
    worker.process.wait_until(lambda: bool(list(store.list(where))), 60)
    error = json.loads(store.read(where + "a.wav.error.json"))["error"]
    assert error["kind"] == "access_denied"
    assert "bucket forbidden is not in FLEET_ALLOWED_BUCKETS" in error["message"]


def test_results_for_a_bucket_that_is_not_allowed_put_the_shard_aside(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    shard = _shard("s3://audio/pin-code.wav", "s3://forbidden/out/")
    letter = _put_aside(worker, settings, envelope(shard_body(shard), task_headers()))
    assert "bucket forbidden is not in FLEET_ALLOWED_BUCKETS" in letter.reason
    assert not list(store.list("s3://forbidden/out/"))
