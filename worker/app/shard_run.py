"""One delivery of a shard: transcribe, split or dead-letter it, and handle errors."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.broker.ledger.keys import identity_of
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.contract.transcript import PostponeReason, utc_now
from funasr_fleet.storage.base import StoreUnavailable
from funasr_fleet.worker.app.child_process import WorkerContext, leave_process
from funasr_fleet.worker.app.publish import lane_of, publish_split, republish_with_delay, split
from funasr_fleet.worker.app.shard_events import finished, started
from funasr_fleet.worker.coordination.attempts import FIRST, Attempt
from funasr_fleet.worker.error_handling import (
    Decision,
    RestartChild,
    Retry,
    SendToDeadLetters,
    Skip,
    decide,
    postpone_reason,
)
from funasr_fleet.worker.errors import JobLocked, PoisonShard, RequeueShard
from funasr_fleet.worker.events import (
    Event,
    FilesCancelled,
    ShardRequeued,
    ShardRetryScheduled,
    ShardSplit,
)
from funasr_fleet.worker.process.os_process import trim_heap

if TYPE_CHECKING:
    from funasr_fleet.worker.pipeline.result_writer import RunContext
    from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter

log = logging.getLogger(__name__)

_DEAD_LETTER_RETRY_S = 30.0


@dataclass(frozen=True)
class ShardRun:
    """One message, processed by a child that holds the lock of its shard."""

    task: Any
    document: object
    child: WorkerContext
    shard: Shard | None = None
    """None when the message is not a valid shard."""
    attempt: Attempt = FIRST
    invalid: tuple[InvalidEntry, ...] = ()
    """Entries of the message that are not in the shard."""

    @property
    def _identity(self) -> str:
        assert self.shard  # noqa: S101 - an invalid message has no attempts
        return identity_of(self.shard.output, self.shard.shard)

    @cached_property
    def _reporter(self) -> "ShardReporter":
        """Records the outcomes of this delivery."""
        assert self.shard  # noqa: S101 - an invalid message has no outcomes
        return self.child.make_reporter(self.shard, self.invalid)

    def run(self, max_attempts: int) -> None:
        """Transcribe the shard. If it crashed a worker before, split or reject it instead.

        A shard of several files is split after its first crash. A shard of one file is rejected
        after `max_attempts` crashes.
        """
        assert self.shard  # noqa: S101 - see worker.app.task
        try:
            if self.attempt.deaths and len(self.shard.files) > 1:
                self._split(self.shard)
            else:
                self._reject_poison(max_attempts)
                headers = self.task.request.headers
                self.child.observe(started(self.shard, headers, self.attempt))
                self._transcribe(self.shard)
                self.child.attempts.end(self._identity)
        except RequeueShard:
            self._suspend()
            self._discard_attempt()
            self.child.observe(ShardRequeued(shard=self.shard.shard))
            raise
        except Exception as error:
            self.apply(decide(error, self.task.request.retries))

    def _discard_attempt(self) -> None:
        self.child.attempts.discard_attempt(self._identity, self.attempt.attempt_id)

    def _split(self, shard: Shard) -> None:
        """Publish each file as a shard of its own, to isolate the file that crashed the worker."""
        parts, reporter = split(shard), self._reporter
        events = self._fail_invalid_entries(shard)
        reporter.write_records()
        reporter.await_parts(parts)
        publish_split(self.task, parts, self.child.heartbeat.touch)
        reporter.end_replaced_and_close_job()
        self._observe(events)
        self.child.attempts.resolve(self._identity, self.attempt.attempt_id)
        files, death = len(shard.files), self.attempt.last_death
        self.child.observe(ShardSplit(shard=shard.shard, files=files, last_death=death))

    def _reject_poison(self, max_attempts: int) -> None:
        """Reject a shard whose earlier attempts crashed their process too often.

        Raises:
            PoisonShard: after `max_attempts` crashes.
        """
        deaths, last_death = self.attempt.deaths, self.attempt.last_death
        if deaths >= max_attempts:
            cause = last_death or "unknown, the whole worker or its machine was lost"
            raise PoisonShard(f"crashed its worker {deaths} times; last crash: {cause}")

    def _transcribe(self, shard: Shard) -> None:
        """Run the pipeline with torch's thread count pinned; report the count before and after."""
        child = self.child
        begin, threads_before = time.monotonic(), child.pipeline.engine.hold_threads()
        reporter = self._reporter

        def stop() -> bool:
            return child.is_draining() or reporter.is_cancelled()

        reporter.begin()
        effort = child.pipeline.run(
            shard,
            self._run_context(),
            reporter.record,
            stop=stop,
            is_cancelled=reporter.is_cancelled,
            report=reporter.report,
        )
        events = self._fail_invalid_entries(shard, stop)
        if child.is_draining() and reporter.unfinished:
            raise RequeueShard
        cancelled = reporter.end()
        self._observe(events)
        seconds = time.monotonic() - begin
        if cancelled:
            child.observe(FilesCancelled(shard=shard.shard, job=str(shard.job), files=cancelled))
        trim_heap()
        threads = threads_before, effort.threads
        child.observe(finished(shard, seconds, effort.busy_s, threads))

    def _fail_invalid_entries(
        self, shard: Shard, stop: Callable[[], bool] = lambda: False
    ) -> list[Event]:
        """Fail the invalid entries; return the events to observe when the shard has ended.

        Called after the valid files have ended: a retry of the valid files must not repeat this.
        """
        if not self.invalid:
            return []
        from funasr_fleet.worker.app.invalid_entries import InvalidEntries

        run, letter = self._run_context(), self._letter("")
        entries = InvalidEntries(
            child=self.child, shard=shard, entries=self.invalid, run=run, letter=letter
        )
        return entries.fail_and_report(self._reporter, stop)

    def _observe(self, events: Iterable[Event]) -> None:
        for event in events:
            self.child.observe(event)

    def _suspend(self, reason: PostponeReason | None = None, message: str = "") -> None:
        if self.shard:
            self._reporter.suspend(reason, message)

    def _run_context(self) -> "RunContext":
        from funasr_fleet.worker.pipeline.result_writer import RunContext

        return RunContext(
            job=self.shard.job if self.shard else None,
            attempt=self.attempt.number,
            retries=self.task.request.retries,
            worker=self.task.request.hostname,
            slot=self.child.plan.slot,
        )

    def apply(self, decision: Decision) -> None:
        """Carry out a decision about the whole shard; a Skip moves it to the dead letters."""
        match decision:
            case Retry():
                self._retry(decision)
            case RestartChild(message=message):
                log.critical("exiting worker child; shard will be redelivered: %s", message)
                with contextlib.suppress(Exception):
                    self.child.attempts.record_crash(self._identity, message)
                    self._suspend()
                leave_process()
            case SendToDeadLetters():
                self._dead_letter(decision)
            case Skip(kind=kind, message=message):
                self._dead_letter(SendToDeadLetters(message, kind))

    def _retry(self, decision: Retry) -> None:
        self._suspend(decision.reason, decision.message)
        retries = self.task.request.retries + 1
        republish_with_delay(self.task, decision.delay_s, retries, self.child.heartbeat.touch)
        self._discard_attempt()
        shard = self.shard.shard if self.shard else ""
        self.child.observe(
            ShardRetryScheduled(
                shard=shard,
                kind=decision.reason,
                reason=decision.message,
                delay_s=decision.delay_s,
            )
        )

    def _dead_letter(self, decision: SendToDeadLetters) -> None:
        from funasr_fleet.worker.app.dead_letter import dead_letter_shard

        run = self._run_context()
        if decision.kind == "poison":  # rejected before it was started: not an attempt
            run = replace(run, attempt=run.attempt - 1)
        try:
            letter = self._letter(decision.message)
            reporter = self._reporter if self.shard else None
            dead_letter_shard(letter, self.child, reporter, decision, run)
            if self.shard:
                attempt_id, id_ = self.attempt.attempt_id, self.task.request.id
                self.child.attempts.reject(self._identity, attempt_id, id_)
        # retry until the error reports can be written, and the job can be closed
        except (StoreUnavailable, JobLocked) as error:
            self._retry(Retry(_DEAD_LETTER_RETRY_S, str(error), postpone_reason(error)))

    def _letter(self, reason: str) -> DeadLetter:
        """The dead letter of the message, without the invalid entries of its shard."""
        shard = self.shard
        valid = shard.to_message() if shard and shard.files and self.invalid else self.document
        return DeadLetter(
            message_id=self.task.request.id,
            reason=reason,
            document=valid,
            queue=lane_of(self.task),
            worker=self.task.request.hostname,
            device=self.child.plan.visible or self.child.plan.device,
            at=utc_now(),
        )
