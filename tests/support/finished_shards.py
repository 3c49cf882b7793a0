"""Jobs that are done without a model: outputs and rows in S3, and marks in Redis."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from funasr_fleet import enqueue, status
from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.contract.transcript import Outcome, utc_now
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.shard_reporter import ChildCounters, ShardReporter
from tests.support.job_messages import shards_waiting

AUDIO_S = 30.0
FILES = 8
OUTCOMES: Mapping[int, Outcome] = {1: "empty", 2: "failed", 3: "skipped"}
"""Of the first two shards of two files each; all others end well."""


class Worker:
    """Does shards whose outcomes are known beforehand."""

    def __init__(
        self, settings: Settings, store: ObjectStore, outcomes: Mapping[int, Outcome]
    ) -> None:
        self._settings, self._store, self._outcomes = settings, store, outcomes

    def begin(self, document: dict[str, Any]) -> ShardReporter:
        """Open the books of a shard."""
        redis, prefix = connect(self._settings), self._settings.key_prefix
        closer = JobFinalizer(LedgerReader(redis, prefix), JobWriter(redis, prefix), self._store)
        shard, tally = Shard.from_message(document), ChildCounters(worker="w", slot=0)
        book = ShardReporter(shard, OutcomeWriter(redis, prefix), self._store, tally, closer.close)
        book.begin()
        return book

    def do(self, document: dict[str, Any]) -> None:
        """A whole shard."""
        book = self.begin(document)
        for ref in book.shard.files:
            self.finish(book, ref)
        book.end(work_ms=100)

    def finish(self, book: ShardReporter, ref: AudioRef) -> None:
        """One file of it."""
        outcome = self._outcomes.get(ref.index or 0, "ok")
        failed = outcome == "failed"
        self._write(book.shard.output, ref, failed=failed)
        file = FileFinished(
            shard=book.shard.shard,
            job=book.shard.job,
            audio=ref.audio,
            index=ref.index,
            outcome=outcome,
            audio_s=AUDIO_S if outcome in {"ok", "empty"} else 0.0,
            seconds=1.0,
            error="no audio in it" if failed else None,
            error_kind="undecodable_audio" if failed else None,
        )
        book.record(ref, file)

    def _write(self, output: str, ref: AudioRef, *, failed: bool) -> None:
        error = {"kind": "undecodable_audio", "message": "no audio in it", "at": utc_now()}
        uri = (
            error_uri(output, ref.relative) if failed else output_uri(output, ref.relative, "json")
        )
        body = {"audio": {"etag": None}, "error": error} if failed else {"text": "nine"}
        self._store.write(uri, json.dumps(body).encode(), "application/json")


def enqueued(output: str, path: Path) -> str:
    """A job of four shards of two files; its manifest is written to the path."""
    rows = ({"audio": f"s3://audio/calls/{number}.wav"} for number in range(FILES))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return enqueue([str(path)], output=output, limits=ShardLimits(files=2)).job


def half_done(settings: Settings, store: ObjectStore, output: str, path: Path) -> str:
    """Such a job: two of its shards are done, a worker has begun the third."""
    job, worker = enqueued(output, path), Worker(settings, store, OUTCOMES)
    first, second, third, _ = sorted(shards_waiting(settings), key=lambda one: str(one["shard"]))
    worker.do(first)
    worker.do(second)
    worker.begin(third)
    return job


def ended(settings: Settings, store: ObjectStore, output: str, path: Path) -> str:
    """Such a job, whose end is written."""
    job, worker = enqueued(output, path), Worker(settings, store, OUTCOMES)
    for shard in shards_waiting(settings):
        worker.do(shard)
    assert status(job, settings).counts.closed_at
    return job
