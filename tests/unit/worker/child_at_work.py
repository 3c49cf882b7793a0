"""A child over a workbench, with a ledger, dead letters and a Celery task that only take note."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from contract.closing import Closing
from contract.dead_letters import DeadLetter, DeadLetters
from contract.job import Shard
from contract.ledger import Recorder
from contract.ledger.values import FileDetail, WorkerSeen
from tests.unit.worker.workbench import Workbench
from worker.attempts import Attempts
from worker.bookkeeping import ShardBook, Tally
from worker.lifecycle import Child
from worker.pinning import plan_slot
from worker.tasks import run_shard


@dataclass
class FakeTask:
    """The Celery task, as far as ours looks at it."""

    retries: int = 0
    headers: dict[str, Any] | None = None
    delivery_info: dict[str, Any] | None = None
    sent_again: list[tuple[float, int]] = field(default_factory=list)
    """Delay in seconds and retries of each message sent for later."""

    @property
    def request(self) -> SimpleNamespace:
        """What Celery knows of the message."""
        return SimpleNamespace(
            retries=self.retries,
            id="message-1",
            hostname="fleet@host",
            headers=self.headers,
            delivery_info=self.delivery_info,
        )

    @property
    def app(self) -> SimpleNamespace:
        """The application that the task belongs to."""
        return SimpleNamespace(conf=SimpleNamespace(task_default_queue="fleet"))

    def signature_from_request(self, countdown: float, retries: int, queue: str) -> SimpleNamespace:
        """The same message for later, on our own queue."""
        assert queue == "fleet"
        return SimpleNamespace(apply_async=lambda: self.sent_again.append((countdown, retries)))


@dataclass
class ChildAtWork:
    """A child that is ready for tasks, and what it left behind."""

    bench: Workbench = field(default_factory=Workbench)
    letters: list[DeadLetter] = field(default_factory=list)
    ledger: list[tuple[str, int, str, int]] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)
    """How often each message was begun that is not done."""
    in_flight: dict[str, int] = field(default_factory=dict)
    """Files of each shard that was begun and not ended."""
    cancelled_jobs: set[str] = field(default_factory=set)
    cancelled: list[int] = field(default_factory=list)
    """Files of which it was said that nobody begins them."""
    seen: list[WorkerSeen] = field(default_factory=list)
    closing: Closing = "closed"
    closed: list[str] = field(default_factory=list)
    """Jobs whose end was to be written."""
    told: int = 0
    """How often the child wrote its state file."""
    broken: Exception | None = None
    """Raised by the ledger and the dead letters, when Redis is away."""

    def run(self, document: Any, task: FakeTask | None = None, max_attempts: int = 3) -> None:
        """Take one message from the queue."""
        run_shard(task or FakeTask(), document, self._child(), max_attempts)

    def _child(self) -> Child:
        return Child(
            plan=plan_slot(0, ["cpu"], 2, "auto"),
            pipeline=self.bench.pipeline,
            observe=self.bench.observe,
            ledger=self._recorder,
            dead_letters=cast(DeadLetters, SimpleNamespace(put=self._put)),
            attempts=cast(Attempts, SimpleNamespace(begin=self._begin, end=self._end)),
            tell_state=self._tell_state,
            open_book=self._open_book,
        )

    @property
    def _recorder(self) -> Recorder:
        return cast(
            Recorder,
            SimpleNamespace(
                record=self._record,
                begin_shard=lambda job, shard, files: self.in_flight.update({shard: files}),
                end_shard=self._end_shard,
                cancel_files=lambda job, indexes: self.cancelled.extend(indexes),
                is_cancelled=lambda job, now=False: job in self.cancelled_jobs,
                see=self.seen.append,
            ),
        )

    def _open_book(self, shard: Shard) -> ShardBook:
        tally = Tally(worker="fleet@host", slot=0)
        return ShardBook(shard, self._recorder, self.bench.store, tally, self._close)

    def _close(self, job: str) -> Closing:
        self.closed.append(job)
        return self.closing

    def _end_shard(self, job: str, shard: str, work_ms: int) -> None:
        self.in_flight.pop(shard, None)

    def _tell_state(self) -> None:
        self.told += 1

    def _begin(self, message_id: str) -> int:
        if self.broken:
            raise self.broken
        self.begun[message_id] = self.begun.get(message_id, 0) + 1
        return self.begun[message_id]

    def _end(self, message_id: str) -> None:
        del self.begun[message_id]

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

    def _put(self, letter: DeadLetter) -> None:
        if self.broken:
            raise self.broken
        self.letters.append(letter)
