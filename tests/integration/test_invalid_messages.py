"""Invalid messages sent to a real worker are dead-lettered, and the worker continues."""

import contextlib
import io
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
from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.broker.message_size import MAX_MESSAGE_BYTES
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.invalid_messages import BOMB, INVALID, SECRET, without
from tests.support.messages import envelope, push, result_at, shard_body, task_headers, waiting


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
    push(settings, without("headers", "task"))
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
    store.upload("s3://audio/pin-code.wav", io.BytesIO((SAMPLES / "pin-code.wav").read_bytes()))
    body = zlib.compress(shard_body(_shard("s3://audio/pin-code.wav", where)))
    push(settings, envelope(body, task_headers(compression="zlib")))
    assert result_at(worker, store, where + "pin-code.wav.json")["text"]


@pytest.mark.parametrize(
    "odd", [{"delivery_tag": "\ud800"}, {"delivery_tag": "the same"}, {"routing_key": "fleet:dead"}]
)
def test_valid_messages_with_an_odd_tag_or_routing_key_are_processed(
    worker: LocalWorker, settings: Settings, store: S3Store, odd: dict[str, str]
) -> None:
    """Of a tag that Redis cannot store, two messages with one tag, and a key of another type."""
    where = f"s3://transcripts/{uuid.uuid4()}/"
    store.upload("s3://audio/pin-code.wav", io.BytesIO((SAMPLES / "pin-code.wav").read_bytes()))
    for number in range(2):
        message = envelope(
            shard_body(_shard("s3://audio/pin-code.wav", f"{where}{number}/")), task_headers()
        )
        properties = message["properties"]
        properties |= {name: odd[name] for name in odd.keys() & properties.keys()}
        properties["delivery_info"] |= {name: odd[name] for name in odd.keys() - properties.keys()}
        push(settings, message)
    worker.process.wait_until(lambda: len(list(store.list(where))) == 2, 60)
    worker.process.wait_until(lambda: not waiting(settings), 60)


def _has_ended(settings: Settings, job: str) -> bool:
    """Whether the only shard of the job has ended."""
    counts = LedgerReader(connect(settings), settings.key_prefix).counts(job)
    return bool(counts and sum(counts.outcomes.values()) and not counts.in_flight)


def test_an_invalid_entry_fails_alone(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    where, good = f"s3://transcripts/{uuid.uuid4()}/", "s3://audio/pin-code.wav"
    store.upload(good, io.BytesIO((SAMPLES / "pin-code.wav").read_bytes()))
    outside = {"index": 1, "audio": good, "relative": "../x"}
    reversed_ = {"index": 2, "audio": good, "relative": "r", "start_ms": 9, "end_ms": 1}
    message = {**_shard(good, where), "job": f"job-{uuid.uuid4()}"}
    in_a_job = {"index": 3, "audio": good, "relative": "other/_jobs/v1/report"}
    message["files"] = [{"index": 0, "audio": good}, outside, reversed_, in_a_job]
    unnamed = f"{where}_jobs/~invalid/{message['shard']}/1.error.json"
    push(settings, envelope(shard_body(message), task_headers()))
    worker.process.wait_until(lambda: _has_ended(settings, message["job"]), 60)
    assert "relative" in json.loads(store.read(unnamed))["error"]["message"]
    assert json.loads(store.read(where + "pin-code.wav.json"))["text"]
    assert "end_ms" in json.loads(store.read(where + "r.error.json"))["error"]["message"]
    counts = LedgerReader(connect(settings), settings.key_prefix).counts(message["job"])
    assert counts
    assert (counts.outcomes["ok"], counts.outcomes["failed"], counts.in_flight) == (1, 3, 0)
    assert not list(store.list(f"{where}other/"))


def test_a_second_file_with_a_name_or_an_index_of_the_message_fails(
    worker: LocalWorker, settings: Settings, store: S3Store
) -> None:
    where, good = f"s3://transcripts/{uuid.uuid4()}/", "s3://audio/twice/1.wav"
    other = "s3://forbidden/twice/1.wav"
    store.upload(good, io.BytesIO((SAMPLES / "pin-code.wav").read_bytes()))
    same_name = {"index": 1, "audio": other}
    same_index = {"index": 0, "audio": good, "relative": "i"}
    message = {**_shard(good, where), "job": f"job-{uuid.uuid4()}", "job_files": 2}
    message["files"] = [{"index": 0, "audio": good}, same_name, same_index]
    push(settings, envelope(shard_body(message), task_headers()))
    worker.process.wait_until(lambda: _has_ended(settings, message["job"]), 60)
    unnamed = f"{where}_jobs/~invalid/{message['shard']}/1.error.json"
    assert json.loads(store.read(unnamed))["audio"]["uri"] == other
    assert json.loads(store.read(where + "twice/1.wav.json"))["audio"]["uri"] == good
    assert "index" in json.loads(store.read(where + "i.error.json"))["error"]["message"]
    reader = LedgerReader(connect(settings), settings.key_prefix)

    def is_closed() -> bool:
        counts = reader.counts(message["job"])
        return counts is not None and counts.closed_at is not None

    worker.process.wait_until(is_closed, 60)
    counts = reader.counts(message["job"])
    assert counts
    assert (counts.outcomes["ok"], counts.outcomes["failed"]) == (0, 2)
    assert "_SUCCESS" not in {one.uri.rpartition("/")[2] for one in store.list(where)}


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
    shard |= {"job": f"job-{uuid.uuid4()}", "files": [*shard["files"], {"index": 1}]}
    before = _dead_letters(settings)
    push(settings, envelope(shard_body(shard), task_headers()))
    worker.process.wait_until(lambda: len(_dead_letters(settings)) == len(before) + 2, 60)
    worker.process.wait_until(lambda: not waiting(settings), 60)
    reasons = [one.reason for one in _dead_letters(settings) if one not in before]
    assert "bucket forbidden is not in FLEET_ALLOWED_BUCKETS" in "".join(reasons)
    assert not list(store.list("s3://forbidden/out/"))
    assert worker.process.log.read_text().count('"slot 0 starting on cpu') == 1
