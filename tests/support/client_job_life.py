"""Random events in the life of a job of another client, and checks of its reported state."""

import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

from funasr_fleet import close, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import CannotClose, JobLost, NoSuchJob
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from tests.support.job_life import JOB, exists
from tests.support.losing_store import losing
from tests.support.messages import FILES, OUTCOMES, Worker, a_shard
from tests.support.reported_state import said_by_all

EVENTS = 20


@dataclass
class ClientLife:
    """One job of four shards, and its true state, independent of Redis."""

    settings: Settings
    store: ObjectStore
    output: str
    random: random.Random
    is_calm: bool = False
    """Whether no key is lost while a command runs."""
    told: int | None = None
    """The number of files that the client or `close` has declared; None until then."""
    begun: set[int] = field(default_factory=set)
    """Files of shards that a worker has started."""
    finished: set[int] = field(default_factory=set)
    """Files that have a result or an error report in S3."""
    started: list[tuple[ShardReporter, list[AudioRef]]] = field(default_factory=list)
    """Shards in progress, each with its unfinished files."""

    def __post_init__(self) -> None:
        self._redis: Any = connect(self.settings)
        self._worker = Worker(self.settings, self.store, OUTCOMES)
        self._shards = [self._shard(first) for first in range(0, FILES, 2)]
        if self.random.random() < 0.5:
            self.random.shuffle(self._shards)
        self._sent = 0

    def _shard(self, first: int) -> dict[str, Any]:
        declared = {"job_files": FILES} if self.random.random() < 0.1 else {}
        name = f"{JOB}-{first}"
        return a_shard(self.output, first, first + 1, job=JOB, shard=name, **declared)

    def live(self) -> None:
        """Cause random events, and check the reported state of the job after each event."""
        twice = (self.start, self.close_if_idle)
        others = (*twice, *twice, self.deliver_twice, self.declare, self.lose)
        for _ in range(EVENTS):
            go_on = self.started and self.random.random() < 0.7
            (self.finish if go_on else self.random.choice(others))()
            self.check()

    def start(self) -> None:
        """A worker starts the next shard."""
        if self._sent < len(self._shards):
            self._begin(self._shards[self._sent])
            self._sent += 1

    def deliver_twice(self) -> None:
        """A message is delivered again."""
        if self._sent:
            self._begin(self.random.choice(self._shards[: self._sent]))

    def _begin(self, shard: dict[str, Any]) -> None:
        reporter = self._worker.begin(shard)
        self.started.append((reporter, list(reporter.shard.files)))
        self.begun |= {ref.index or 0 for ref in reporter.shard.files}
        self.told = max(shard.get("job_files", 0), self.told or 0) or None

    def finish(self) -> None:
        """A worker finishes a file; after the last one of a shard, the shard ends."""
        if not self.started:
            return
        place = self.random.randrange(len(self.started))
        reporter, files = self.started[place]
        ref = files.pop()
        self._worker.finish(reporter, ref)
        self.finished.add(ref.index or 0)
        if not files:
            self.started.pop(place)
            reporter.end()

    def close_if_idle(self) -> None:
        """`fleet close` without a number of files, while no message is in a queue."""
        if self.started:
            return
        with contextlib.suppress(CannotClose, NoSuchJob):
            store = self._losing_store()
            try:
                closed = close(JOB, output=self.output, settings=self.settings, store=store)
                assert closed.files == len(self.begun)
            except JobLost:
                assert self.lost_meanwhile
            self.told = len(self.begun)

    def declare(self) -> None:
        """`fleet close` with the number of files."""
        with contextlib.suppress(NoSuchJob):
            self._declare()

    def _declare(self) -> None:
        try:
            store = self._losing_store()
            close(JOB, files=FILES, output=self.output, settings=self.settings, store=store)
            if not self.lost_meanwhile:
                assert status(JOB, self.settings).progress.state in {"running", "complete"}
        except JobLost:
            assert self.lost_meanwhile
        self.told = FILES

    def _losing_store(self) -> ObjectStore:
        """The store; before each request, keys may be lost."""
        share = 0.0 if self.is_calm else self.random.choice((0.0, 0.0, 0.1, 0.3))
        self.lost_meanwhile = False

        def before(_: int) -> None:
            if self.random.random() < share:
                self.lose()
                self.lost_meanwhile = True

        return losing(self.store, before)

    def lose(self) -> None:
        """Delete a random subset of the job's keys: some, most or all of them."""
        names = sorted(self._redis.keys(f"{self.settings.key_prefix}fleet:job*"))
        share = self.random.choice((0.1, 0.3, 0.7, 1.0))
        if lost := [name for name in names if self.random.random() < share]:
            self._redis.delete(*lost)

    def check(self) -> None:
        """Check that no command or metric shows the job as complete while a file waits."""
        told, _ = said_by_all(self.settings, JOB)
        has_declared = self.told is not None and self.told <= len(self.finished)
        is_done = has_declared and self.begun <= self.finished
        wrong = [place for place, complete in told.items() if complete and not is_done]
        assert not wrong, (wrong, self.told, sorted(self.begun), sorted(self.finished))
        assert is_done or not exists(self.store, job_uri(self.output, JOB, "_SUCCESS"))

    def repair_and_end(self) -> None:
        """Send the files again and declare their number; the job must then be complete."""
        self.is_calm = True
        while self.started:
            self.finish()
        for shard in self._shards:
            self._begin(shard)
            while self.started:
                self.finish()
        self._declare()
        told, _ = said_by_all(self.settings, JOB)
        assert all(told.values()), told
        now = status(JOB, self.settings).counts
        assert (now.files, now.finished, now.closed_at is None) == (FILES, FILES, False)
