"""Random events in the life of a job, and checks of its reported state after each event."""

import contextlib
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

from funasr_fleet import enqueue, reconcile, retry, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint, job_uri, output_uri
from funasr_fleet.producer.errors import CannotRetry, JobLost, JobRefused, NoSuchJob
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing, ObjectStore
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from tests.support.losing_store import losing
from tests.support.messages import FILES, OUTCOMES, Worker, shards_waiting, take, wipe
from tests.support.reported_state import said_by_all

EVENTS = 14
"""Number of random events before the job is repaired."""
JOB = "night"


class KilledProducer(BaseException):
    """The producer ends in the middle of an enqueue."""


@dataclass
class Life:
    """One job, and its true state, independent of Redis."""

    settings: Settings
    store: ObjectStore
    output: str
    manifest: str
    random: random.Random
    is_calm: bool = False
    """Whether no key is lost while a command runs."""
    planned: bool = False
    """Whether the plan in S3 is complete."""
    waiting: set[int] = field(default_factory=lambda: set(range(FILES)))
    """Files without an outcome, or published again."""
    finished: set[int] = field(default_factory=set)
    """Files that have a result or an error report in S3."""
    started: list[tuple[ShardReporter, list[AudioRef]]] = field(default_factory=list)
    """Shards in progress, each with its unfinished files."""
    delivered: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._redis: Any = connect(self.settings)
        self._worker = Worker(self.settings, self.store, OUTCOMES)
        self._leave_outdated_result()
        self._register_model()

    def _leave_outdated_result(self) -> None:
        """Write a result of another model for the last file; it counts for no job."""
        audio, name = f"s3://audio/calls/{FILES - 1}.wav", f"calls/{FILES - 1}.wav"
        etag = self.store.write(audio, b"audio", "audio/wav")
        made_of = fingerprint(AudioRef(audio=audio), etag, "sha256:old", Options())
        receipt = {"job": "last-year", "model_revision": "sha256:old", "fingerprint": made_of}
        body = json.dumps({"text": "old", "receipt": receipt}).encode()
        self.store.write(output_uri(self.output, name, "json"), body, "application/json")

    def _register_model(self) -> None:
        """A worker registers, as it does every 20 s; it may be too early for its model."""
        fleet = WorkerRegistry(self._redis, self.settings.key_prefix)
        fleet.heartbeat(self.settings.queue, self.settings.model, time.time())
        if self.random.random() < 0.5:
            fleet.register_model(self.settings.model, "sha256:new")

    def live(self) -> None:
        """Cause random events, and check the reported state of the job after each event."""
        self.enqueue()
        self.check()
        events = (self.start, self.finish, self.finish, self.finish, self.deliver_twice)
        others = (self.enqueue, self.retry, self.reconcile, self.lose, self.lose)
        for _ in range(EVENTS):
            self._register_model()
            self.random.choice(events if self.random.random() < 2 / 3 else others)()
            self.check()

    def enqueue(self) -> None:
        """Start or resume the job; its producer may be killed, and keys may be lost meanwhile."""
        killed, lost = self.random.random() < 0.3, self.random.random() < 0.3

        def interrupt(*_: object) -> None:
            if lost and self.random.random() < 0.5:
                self.lose()
            if killed and self.random.random() < 0.3:
                raise KilledProducer

        limits = ShardLimits(files=2)
        with contextlib.suppress(KilledProducer, JobRefused, JobLost):
            enqueue(
                [self.manifest],
                output=self.output,
                job=JOB,
                limits=limits,
                progress=interrupt,
                store=self._losing_store(),
            )
        self.planned = self.planned or exists(self.store, job_uri(self.output, JOB, "planned.json"))

    def _losing_store(self) -> ObjectStore:
        """The store; before each request, keys may be lost."""
        share = 0.0 if self.is_calm else self.random.choice((0.0, 0.02, 0.1))
        self.lost_meanwhile = False

        def before(_: int) -> None:
            if self.random.random() < share:
                self.lose()
                self.lost_meanwhile = True

        return losing(self.store, before)

    def lose(self) -> None:
        """Delete a random subset of the keys of the job and of the models that workers have."""
        prefix = f"{self.settings.key_prefix}fleet:"
        names = [*self._redis.keys(f"{prefix}job*"), f"{prefix}models", f"{prefix}abilities"]
        share = self.random.choice((0.1, 0.3, 0.7, 1.0))
        lost = [name for name in sorted(names) if self.random.random() < share]
        if lost:
            self._redis.delete(*lost)

    def start(self) -> None:
        """A worker takes the next message."""
        if shard := take(self.settings):
            self.delivered.append(shard)
            self._begin(shard)

    def deliver_twice(self) -> None:
        """A message is delivered again."""
        if self.delivered:
            self._begin(self.random.choice(self.delivered))

    def _begin(self, shard: dict[str, Any]) -> None:
        reporter = self._worker.begin(shard)
        self.started.append((reporter, list(reporter.shard.files)))

    def finish(self) -> None:
        """A worker finishes a file; after the last one of a shard, the shard ends."""
        if not self.started:
            return
        place = self.random.randrange(len(self.started))
        reporter, files = self.started[place]
        ref = files.pop()
        self._worker.finish(reporter, ref)
        self.waiting.discard(ref.index or 0)
        self.finished.add(ref.index or 0)
        if not files:
            self.started.pop(place)
            reporter.end()

    def retry(self) -> None:
        """Retry the failed file; its error report stays until it succeeds."""
        before = self._messages()
        with contextlib.suppress(NoSuchJob, CannotRetry, JobLost):
            retry(JOB, self.settings, self._losing_store())
        self.waiting |= self._published_after(before)

    def reconcile(self) -> None:
        """Reconcile the job. This works with any lost keys; then the state of the job is known.

        It fails only if keys are lost in each of its attempts.
        """
        before, store = self._messages(), self._losing_store()
        try:
            found = reconcile(JOB, output=self.output, settings=self.settings, store=store)
        except JobLost:
            assert self.lost_meanwhile
            self.waiting |= self._published_after(before)
            return
        published = self._published_after(before)
        assert found.planned or not self.planned
        assert published >= set(range(found.files)) - self.finished
        self.waiting = published | (set(range(FILES)) - self.finished)
        if found.planned:
            self.planned = True
            assert status(JOB, self.settings).progress.state in {"running", "complete"}

    def _messages(self) -> set[str]:
        return {one["shard"] for one in shards_waiting(self.settings)}

    def _published_after(self, before: set[str]) -> set[int]:
        """Files of the messages that were published after `before` was read."""
        new = [one for one in shards_waiting(self.settings) if one["shard"] not in before]
        return {file["index"] for one in new for file in one["files"]}

    def check(self) -> None:
        """Check that no command or metric shows the job as complete while a file waits."""
        told, waiting = said_by_all(self.settings, JOB)
        is_done = self.planned and not self.waiting
        wrong = [place for place, complete in told.items() if complete and not is_done]
        assert not wrong, (wrong, sorted(self.waiting), self.planned)
        assert is_done or not exists(self.store, job_uri(self.output, JOB, "_SUCCESS"))
        assert not self.planned or waiting is None or waiting >= len(self.waiting)

    def repair_and_end(self) -> None:
        """Reconcile the job and process its messages; the job must then be complete."""
        while not self.planned:
            self.reconcile_if_planned()
            self.enqueue()
        self.is_calm = True
        self.reconcile()
        while self.started:
            self.finish()
        while shard := take(self.settings):
            self._begin(shard)
            while self.started:
                self.finish()
        self.reconcile()
        told, _ = said_by_all(self.settings, JOB)
        assert all(told.values())
        now = status(JOB, self.settings).counts
        assert (now.files, now.finished, now.closed_at is None) == (FILES, FILES, False)

    def reconcile_if_planned(self) -> None:
        if exists(self.store, job_uri(self.output, JOB, "job.json")):
            self.reconcile()
        else:
            wipe(self.settings)


def exists(store: ObjectStore, uri: str) -> bool:
    try:
        store.read(uri)
    except ObjectMissing:
        return False
    return True
