"""Messages in Redis as any client reads and writes them, and shards processed without a model."""

import base64
import json
import uuid
import zlib
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from funasr_fleet import enqueue, status
from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.contract.queues import TASK, broker_lists, lanes
from funasr_fleet.contract.shard_message import read_shard
from funasr_fleet.contract.transcript import Outcome, utc_now
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.child_counters import ChildCounters
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter


def shards_waiting(settings: Settings) -> list[dict[str, Any]]:
    redis: Any = connect(settings)
    with redis.pipeline() as pipe:
        for key in _keys(settings):
            pipe.lrange(key, 0, -1)
        return [_shard(raw) for found in pipe.execute() for raw in found]


def drain(settings: Settings, most: int) -> int:
    """Remove messages as workers would; return their number."""
    redis: Any = connect(settings)
    taken = 0
    for key in _keys(settings):
        taken += len(redis.rpop(key, most - taken) or ()) if taken < most else 0
    return taken


def take(settings: Settings) -> dict[str, Any] | None:
    """Remove the next message as a worker would, and return its shard; None if there is none."""
    redis: Any = connect(settings)
    with redis.pipeline() as pipe:
        for key in _keys(settings):
            pipe.llen(key)
        lengths = pipe.execute()
    filled = [key for key, length in zip(_keys(settings), lengths, strict=True) if length]
    return _shard(redis.rpop(filled[0])) if filled else None


def wipe(settings: Settings) -> None:
    """Delete all keys of this fleet from Redis."""
    redis: Any = connect(settings)
    for key in redis.keys(f"{settings.key_prefix}*"):
        redis.delete(key)


def _keys(settings: Settings) -> list[str]:
    names = (name for lane in lanes(settings.queue) for name in broker_lists(lane))
    return [settings.key_prefix + name for name in names]


def _shard(raw: str) -> dict[str, Any]:
    message = json.loads(raw)
    body = b64decode(message["body"])
    if message["headers"].get("compression"):
        body = zlib.decompress(body)
    (shard,), _, _ = json.loads(body)
    found: dict[str, Any] = shard
    return found


def task_headers(**others: Any) -> dict[str, Any]:
    """The headers by which Celery finds the task."""
    return {"id": str(uuid.uuid4()), "task": TASK, "lang": "py", "root_id": None, **others}


def envelope(body: bytes, headers: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A message as kombu writes it to Redis."""
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": headers,
        "properties": {
            "correlation_id": headers.get("id"),
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "fleet"},
            "body_encoding": "base64",
        },
        **others,
    }


def shard_body(document: Any) -> bytes:
    """The body of a task of one argument."""
    return json.dumps([[document], {}, {"callbacks": None, "errbacks": None}]).encode()


def push(settings: Settings, element: Any) -> None:
    """Put one element at the head of the queue."""
    redis: Any = connect(settings)
    text = element if isinstance(element, str | bytes) else json.dumps(element)
    redis.lpush(settings.key_prefix + settings.queue, text)


def waiting(settings: Settings) -> int:
    """Number of waiting and unacknowledged messages."""
    redis: Any = connect(settings)
    prefix = settings.key_prefix
    return int(redis.llen(prefix + settings.queue)) + int(redis.hlen(f"{prefix}unacked"))


def a_shard(output: str, *indexes: int, **others: Any) -> dict[str, Any]:
    """A shard of the job by-hand, as another client sends it."""
    files = [{"index": index, "audio": f"s3://audio/{index}.wav"} for index in indexes]
    name = f"by-hand-{indexes[0]}"
    shard = {"schema": 1, "shard": name, "job": "by-hand", "output": output, "files": files}
    return {**shard, **others}


def documents(store: ObjectStore, output: str) -> set[str]:
    """Names of the documents that are written when the job by-hand ends."""
    names = {one.uri.removeprefix(f"{output}_jobs/by-hand/") for one in store.list(output)}
    return names & {"report.json", "failures.jsonl", "_SUCCESS"}


AUDIO_S = 30.0
FILES = 8
OUTCOMES: Mapping[int, Outcome] = {1: "empty", 2: "failed", 3: "skipped"}
"""Outcomes of the first two shards of two files each; all other files succeed."""
WARNED = 0
"""Index of the file with a warning."""


class Worker:
    """Processes shards with predefined outcomes."""

    def __init__(
        self, settings: Settings, store: ObjectStore, outcomes: Mapping[int, Outcome]
    ) -> None:
        self._settings, self._store, self._outcomes = settings, store, outcomes

    def begin(self, document: dict[str, Any]) -> ShardReporter:
        redis, prefix = connect(self._settings), self._settings.key_prefix
        closer = JobFinalizer(LedgerReader(redis, prefix), JobWriter(redis, prefix), self._store)
        (shard, invalid), tally = read_shard(document), ChildCounters(worker="w", slot=0)
        reporter = ShardReporter(
            shard, OutcomeWriter(redis, prefix), self._store, tally, closer.close, invalid=invalid
        )
        reporter.begin()
        return reporter

    def do(self, document: dict[str, Any]) -> None:
        reporter = self.begin(document)
        for ref in reporter.shard.files:
            self.finish(reporter, ref)
        reporter.end()

    def finish(self, reporter: ShardReporter, ref: AudioRef) -> None:
        outcome = self._outcomes.get(ref.index or 0, "ok")
        failed = outcome == "failed"
        self._write(reporter.shard, ref, outcome)
        file = FileFinished(
            shard=reporter.shard.shard,
            job=reporter.shard.job,
            audio=ref.audio,
            index=ref.index,
            outcome=outcome,
            audio_s=AUDIO_S if outcome in {"ok", "empty"} else 0.0,
            seconds=1.0,
            error="no audio in it" if failed else None,
            error_kind="undecodable_audio" if failed else None,
            warnings=("audio_damaged",) if ref.index == WARNED else (),
        )
        reporter.record(ref, file)

    def _write(self, shard: Shard, ref: AudioRef, outcome: Outcome) -> None:
        error = {"kind": "undecodable_audio", "message": "no audio in it", "at": utc_now()}
        report = {"job": shard.job, "audio": {"etag": None}, "error": error}
        result_uri = output_uri(shard.output, ref.relative, "json")
        failed = outcome == "failed"
        uri = error_uri(shard.output, ref.relative) if failed else result_uri
        result = {
            "audio": {"start_ms": 0, "end_ms": round(AUDIO_S * 1000)},
            "segments": [] if outcome == "empty" else [{"text": "nine"}],
            "warnings": ["audio_damaged"] if ref.index == WARNED else [],
            "receipt": {"job": "of last year" if outcome == "skipped" else shard.job},
        }
        body = report if failed else result
        self._store.write(uri, json.dumps(body).encode(), "application/json")


def enqueued(output: str, path: Path) -> str:
    """A job of four shards of two files; its manifest is written to the path."""
    rows = ({"audio": f"s3://audio/calls/{number}.wav"} for number in range(FILES))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return enqueue([str(path)], output=output, limits=ShardLimits(files=2)).job


def half_done(settings: Settings, store: ObjectStore, output: str, path: Path) -> str:
    """Such a job: two of its shards are done, a worker has started the third."""
    job, worker = enqueued(output, path), Worker(settings, store, OUTCOMES)
    first, second, third, _ = sorted(shards_waiting(settings), key=lambda one: str(one["shard"]))
    worker.do(first)
    worker.do(second)
    worker.begin(third)
    return job


def ended(settings: Settings, store: ObjectStore, output: str, path: Path) -> str:
    """Such a job, finished and with its end recorded."""
    job, worker = enqueued(output, path), Worker(settings, store, OUTCOMES)
    for shard in shards_waiting(settings):
        worker.do(shard)
    assert status(job, settings).counts.closed_at
    return job


def result_at(worker: LocalWorker, store: ObjectStore, uri: str, deadline_s: float = 60) -> Any:
    """The result at this address, once the file has an outcome; an error report is a failure."""
    stem = uri.removesuffix("json")  # of the result and of the error report
    worker.process.wait_until(lambda: bool(list(store.list(stem))), deadline_s)
    written = [one.uri for one in store.list(stem)]
    assert written == [uri], list(map(store.read, written))
    return json.loads(store.read(uri))
