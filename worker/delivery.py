"""One delivery of a shard: split, refuse or transcribe it, and act upon what goes wrong."""

import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from contract.attempts_key import identity_of
from contract.dead_letters import DeadLetter
from contract.job import Shard
from contract.queues import ENQUEUED_AT_HEADER
from contract.store import StoreUnavailable
from contract.transcript import utc_now
from worker import heap
from worker.attempts import FIRST, Attempt
from worker.events import (
    FilesCancelled,
    ShardFinished,
    ShardHandedBack,
    ShardPostponed,
    ShardSplit,
    ShardStarted,
)
from worker.failures import Decision, LeaveProcess, PoisonShard, PutAside, Retry, Skip, decide
from worker.lifecycle import Child, leave_process
from worker.sending import lane_of, send_later, send_parts
from worker.splitting import split

log = logging.getLogger(__name__)

_WRITE_AGAIN_S = 30.0


class HandedBack(Exception):
    """The worker ends: the shard goes back to the head of the queue."""


@dataclass(frozen=True)
class Delivery:
    """One message in the hands of a child that has the claim to its shard."""

    task: Any
    document: Any
    child: Child
    shard: Shard | None = None
    """None when the message is no shard."""
    attempt: Attempt = FIRST

    @property
    def _identity(self) -> str:
        assert self.shard  # noqa: S101 - what is no shard has no attempts
        return identity_of(self.shard.output, self.shard.shard)

    def run(self, max_attempts: int) -> None:
        """Transcribe the shard, unless it took down workers before."""
        assert self.shard  # noqa: S101 - see _begin
        try:
            if self.attempt.deaths and len(self.shard.files) > 1:
                self._split(self.shard)
            else:
                refuse_poison(self.attempt, max_attempts)
                report_started(self.task, self.shard, self.child, self.attempt.deaths)
                self._transcribe(self.shard)
                self.child.attempts.end(self._identity)
        except HandedBack:
            self._forgive()
            self.child.observe(ShardHandedBack(shard=self.shard.shard))
            raise
        except Exception as error:
            self.apply(decide(error, self.task.request.retries))

    def _forgive(self) -> None:
        self.child.attempts.forgive(self._identity, self.attempt.name)

    def _split(self, shard: Shard) -> None:
        """Some file of it took its worker down: let each come as a shard of its own."""
        parts, book = split(shard), self.child.open_book(shard)
        book.await_parts(parts)
        send_parts(self.task, parts, self.child.heartbeat.beat)
        book.leave_for_good()
        self.child.attempts.settle(self._identity, self.attempt.name)
        self.child.observe(
            ShardSplit(
                shard=shard.shard,
                files=len(shard.files),
                last_death=self.attempt.last_death,
            )
        )

    def _transcribe(self, shard: Shard) -> None:
        """Run the pipeline with torch's threads held and watched on both sides."""
        from worker.telemetry.resident import peak_resident_bytes, resident_bytes

        child = self.child
        begin, before = time.monotonic(), child.pipeline.engine.hold_threads()
        book = child.open_book(shard)
        book.begin()
        try:
            effort = child.pipeline.run(
                shard,
                self._who(),
                book.record,
                lambda: child.is_draining() or book.is_cancelled(),
            )
            if child.is_draining() and book.unfinished:
                raise HandedBack
        except Exception:
            book.suspend()
            raise
        seconds = time.monotonic() - begin
        if cancelled := book.end(round(seconds * 1000)):
            child.observe(FilesCancelled(shard=shard.shard, job=str(shard.job), files=cancelled))
        heap.give_back()
        child.observe(
            ShardFinished(
                shard=shard.shard,
                job=shard.job,
                seconds=seconds,
                busy_ratio=round(min(1.0, effort.busy_s / max(seconds, 1e-9)), 3),
                threads_before=before,
                threads_after=effort.threads,
                resident_bytes=resident_bytes(),
                peak_resident_bytes=peak_resident_bytes(),
            )
        )

    def _who(self) -> Any:
        from worker.receipts import Circumstances

        return Circumstances(
            job=self.shard.job if self.shard else None,
            attempt=self.attempt.number,
            retries=self.task.request.retries,
            worker=self.task.request.hostname,
            slot=self.child.plan.slot,
        )

    def apply(self, decision: Decision) -> None:
        """Carry out what was decided about a whole shard."""
        match decision:
            case Retry():
                self._postpone(decision)
            case LeaveProcess(message=message):
                log.critical("this child ends, a fresh one takes its shard: %s", message)
                with contextlib.suppress(Exception):
                    self.child.attempts.note_death(self._identity, message)
                leave_process()
            case PutAside():
                self._put_aside(decision)
            case Skip(kind=kind, message=message):
                self._put_aside(PutAside(message, kind))

    def _postpone(self, decision: Retry) -> None:
        retries = self.task.request.retries + 1
        send_later(self.task, decision.delay_s, retries, self.child.heartbeat.beat)
        self._forgive()
        shard = str(self.document.get("shard"))
        self.child.observe(
            ShardPostponed(shard=shard, reason=decision.message, delay_s=decision.delay_s)
        )

    def _put_aside(self, decision: PutAside) -> None:
        from worker.giving_up import put_aside

        letter = DeadLetter(
            message_id=self.task.request.id,
            reason=decision.message,
            document=self.document,
            queue=lane_of(self.task),
            worker=self.task.request.hostname,
            device=self.child.plan.visible or self.child.plan.device,
            at=utc_now(),
        )
        who = self._who()
        if decision.kind == "poison":  # this time it was not even tried
            who = replace(who, attempt=who.attempt - 1)
        try:
            put_aside(letter, self.child, decision, who)
            if self.shard:
                self.child.attempts.settle(self._identity, self.attempt.name)
        except StoreUnavailable as error:  # the verdict can wait until it can be written down
            self._postpone(Retry(_WRITE_AGAIN_S, str(error)))


def refuse_poison(attempt: Attempt, max_attempts: int) -> None:
    """Refuse a file whose earlier deliveries all took down their process.

    Raises:
        PoisonShard: when there were too many.
    """
    if attempt.deaths >= max_attempts:
        seen = attempt.last_death or "nobody saw how: the whole worker or its machine was gone"
        raise PoisonShard(f"it took down its worker {attempt.deaths} times; the last time: {seen}")


def report_started(task: Any, shard: Shard, child: Child, deaths: int) -> None:
    """Say that a shard is being worked on, with which so many processes died before."""
    child.observe(
        ShardStarted(
            shard=shard.shard,
            job=shard.job,
            files=len(shard.files),
            queue_wait_s=_since((task.request.headers or {}).get(ENQUEUED_AT_HEADER)),
            redelivered=deaths > 0,
        )
    )


def _since(sent_at: Any) -> float | None:
    try:
        return max(0.0, time.time() - float(sent_at))
    except (TypeError, ValueError):
        return None  # another client, which says nothing or something else
