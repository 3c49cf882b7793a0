"""A child over a workbench, with a fake ledger, dead letters and Celery task that record calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.job_finalizer import FinalizeResult
from funasr_fleet.broker.ledger import OutcomeWriter
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.worker.app.child_process import WorkerContext
from funasr_fleet.worker.app.task import run_shard
from funasr_fleet.worker.coordination.attempts import FIRST, Attempt, Attempts
from funasr_fleet.worker.coordination.shard_lock import ShardLock
from funasr_fleet.worker.pipeline.child_counters import ChildCounters
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter
from funasr_fleet.worker.process.hardware import plan_slot
from funasr_fleet.worker.process.heartbeat import Heartbeat
from tests.support.fake_heartbeat import FakeHeartbeat
from tests.support.fake_pipeline import Workbench


@dataclass
class FakeTask:
    """The attributes of a Celery task that the product uses."""

    retries: int = 0
    headers: dict[str, Any] | None = None
    delivery_info: dict[str, Any] | None = None
    sent_again: list[tuple[float, int]] = field(default_factory=list)
    """Delay in seconds and retries of each delayed message."""

    @property
    def request(self) -> SimpleNamespace:
        return SimpleNamespace(
            retries=self.retries,
            id="message-1",
            hostname="fleet@host",
            headers=self.headers,
            delivery_info=self.delivery_info,
        )

    shards_sent: list[dict[str, Any]] = field(default_factory=list)
    """Documents of the parts that a shard was split into."""
    before_sending: Callable[[], None] = lambda: None
    """Called before each part is sent."""

    @property
    def app(self) -> SimpleNamespace:
        return SimpleNamespace(conf=SimpleNamespace(task_default_queue="fleet"))

    def signature_from_request(
        self, queue: str, retries: int, countdown: float = 0.0, **other: Any
    ) -> SimpleNamespace:
        """The same message with a delay, or a part of it, on the worker's queue."""
        assert queue == "fleet"

        def apply_async(priority: int, **patience: Any) -> None:
            assert priority == 0, "it goes ahead of waiting messages"
            if "args" in other:
                self.before_sending()
                (document,) = other["args"]
                assert other["task_id"] == f"message-1.{len(self.shards_sent)}"
                self.shards_sent.append(document)
            else:
                self.sent_again.append((countdown, retries))

        return SimpleNamespace(apply_async=apply_async)


@dataclass
class FakeChild:
    """A child that is ready for tasks, and records of its calls."""

    bench: Workbench = field(default_factory=Workbench)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    ledger: list[tuple[str, int, str, int]] = field(default_factory=list)
    attempt: Attempt = FIRST
    """Earlier attempts recorded when the shard starts."""
    discarded: int = 0
    """Attempts that were discarded: drained or scheduled for a retry."""
    ended: list[str] = field(default_factory=list)
    """Shards whose attempts were deleted: they are finished."""
    resolved: list[str] = field(default_factory=list)
    """Shards that were split or became dead letters."""
    rejected: str = ""
    """ID of the last message that became a dead letter."""
    deaths: list[str] = field(default_factory=list)
    held_s: float = 0.0
    """For how long another process holds the lock of every shard."""
    claimed: list[str] = field(default_factory=list)
    """Shards whose locks are held."""
    drains_after_looks: int | None = None
    """Number of checks after which the worker drains."""
    is_drained: bool = False
    """Whether the worker drains."""
    in_flight: dict[str, int] = field(default_factory=dict)
    """Files of each shard that keeps its job open."""
    cancelled_jobs: set[str] = field(default_factory=set)
    cancelled: list[int] = field(default_factory=list)
    """Indexes of files that are not started."""
    seen: list[WorkerSeen] = field(default_factory=list)
    postponed: list[tuple[str, str, str]] = field(default_factory=list)
    """Shard, reason and message of each shard that is retried later."""
    work: list[int] = field(default_factory=list)
    """Time reported before the end of a shard, in ms."""
    ended_work: int = 0
    """Time reported at the end of shards, in ms."""
    closing: FinalizeResult = "closed"
    closed: list[str] = field(default_factory=list)
    """Jobs that were to be finalized."""
    heart: FakeHeartbeat = field(default_factory=FakeHeartbeat)
    state_writes: int = 0
    """Number of writes of the state file."""
    broken: Exception | None = None
    """Raised by the ledger and the dead letters, as when Redis is unavailable."""

    def run(self, document: Any, task: FakeTask | None = None, max_attempts: int = 3) -> None:
        run_shard(task or FakeTask(), document, self.context(), max_attempts)

    def context(self) -> WorkerContext:
        return WorkerContext(
            plan=plan_slot(0, ["cpu"], 2, "auto"),
            pipeline=self.bench.pipeline,
            observe=self.bench.observe,
            dead_letters=cast(
                DeadLetters, SimpleNamespace(put=self._put, exists=self._is_dead_letter)
            ),
            attempts=cast(
                Attempts,
                SimpleNamespace(
                    begin=self._begin,
                    end=self.ended.append,
                    discard_attempt=self._discard_attempt,
                    resolve=self._resolve,
                    reject=self._reject,
                    rejected=lambda identity: self.rejected,
                    record_crash=lambda identity, how: self.deaths.append(how),
                ),
            ),
            shard_lock=cast(
                ShardLock,
                SimpleNamespace(
                    take=self._claim, release=lambda identity, owner: self.claimed.remove(identity)
                ),
            ),
            owner="worker:1",
            heartbeat=cast(Heartbeat, self.heart),
            is_draining=self._is_draining,
            shard_ended=self._shard_ended,
            make_reporter=self._make_reporter,
        )

    def _is_draining(self) -> bool:
        if self.drains_after_looks is None:
            return self.is_drained
        self.drains_after_looks -= 1
        return self.drains_after_looks < 0

    @property
    def recorder(self) -> OutcomeWriter:
        return cast(
            OutcomeWriter,
            SimpleNamespace(
                record=self._record,
                begin_shard=lambda job, shard, files, **_: self.in_flight.update({shard: files}),
                await_shards=self._await_shards,
                suspend_shard=self._suspend_shard,
                end_shard=self._end_shard,
                cancel_files=lambda job, indexes, **_: self.cancelled.extend(indexes),
                is_cancelled=lambda job, now=False: job in self.cancelled_jobs,
                see=self.seen.append,
                add_work=lambda job, work_ms, **_: self.work.append(work_ms),
            ),
        )

    def _make_reporter(self, shard: Shard, invalid: Sequence[InvalidEntry]) -> ShardReporter:
        tally = ChildCounters(worker="fleet@host", slot=0)
        store = self.bench.store
        return ShardReporter(shard, self.recorder, store, tally, self._close, invalid=invalid)

    def _close(self, job: str) -> FinalizeResult:
        self.closed.append(job)
        return self.closing

    def _await_shards(self, job: str, shards: list[str], *, output: str) -> None:
        for shard in shards:
            self.in_flight.setdefault(shard, 0)

    def _suspend_shard(
        self, job: str, shard: str, reason: str | None, message: str, *, output: str
    ) -> None:
        self.in_flight[shard] = 0
        if reason:
            self.postponed.append((shard, reason, message))

    def _end_shard(self, job: str, shard: str, work_ms: int, *, output: str) -> None:
        self.in_flight.pop(shard, None)
        self.ended_work += work_ms

    def _shard_ended(self) -> None:
        self.state_writes += 1

    def _begin(self, identity: str, attempt_id: str) -> Attempt:
        if self.broken:
            raise self.broken
        assert self.claimed == [identity]
        return self.attempt

    def _discard_attempt(self, identity: str, attempt_id: str) -> None:
        self.discarded += 1

    def _resolve(self, identity: str, attempt_id: str) -> None:
        self.resolved.append(identity)

    def _reject(self, identity: str, attempt_id: str, message_id: str) -> None:
        self._resolve(identity, attempt_id)
        self.rejected = message_id

    def _claim(self, identity: str, owner: str) -> float:
        if not self.held_s:
            self.claimed.append(identity)
        return self.held_s

    def _record(
        self,
        job: str,
        index: int,
        outcome: str,
        audio_ms: int,
        *,
        only_first: bool = False,
        detail: FileDetail | None = None,
    ) -> None:
        if self.broken:
            raise self.broken
        if not only_first or (job, index) not in {entry[:2] for entry in self.ledger}:
            self.ledger.append((job, index, outcome, audio_ms))

    def _is_dead_letter(self, message_id: str) -> bool:
        return any(letter.message_id == message_id for letter in self.dead_letters)

    def _put(self, letter: DeadLetter) -> None:
        if self.broken:
            raise self.broken
        self.dead_letters.append(letter)
