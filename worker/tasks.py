"""The one task: read the shard, run the pipeline, apply the decision."""

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from contract.dead_letters import DeadLetter as Letter
from contract.job import MalformedShard, Shard
from contract.queues import ENQUEUED_AT_HEADER, TASK, lanes
from contract.settings import Settings
from contract.transcript import utc_now
from worker import heap
from worker.events import ShardFinished, ShardPostponed, ShardPutAside, ShardStarted
from worker.failures import DeadLetter, Decision, LeaveProcess, PoisonShard, Retry, Skip, decide
from worker.lifecycle import Child, leave_process

log = logging.getLogger(__name__)


def register_task(app: Any, settings: Settings, child: Callable[[], Child]) -> None:
    """Give the application its task; the child is asked for when a task runs."""

    def transcribe(task: Any, *arguments: Any, **named: Any) -> None:
        alone = len(arguments) == 1 and not named
        document = arguments[0] if alone else {"args": arguments, "kwargs": named}
        run_shard(task, document, child(), settings.max_attempts)

    app.task(transcribe, name=TASK, bind=True, max_retries=None, shared=False)


def run_shard(task: Any, document: Any, child: Child, max_attempts: int) -> None:
    """Parse, start, transcribe, finish; an error becomes what worker.failures decides.

    A message is acknowledged when this returns; so it does not, unless all is safe.
    """
    try:
        try:
            attempt = child.attempts.begin(task.request.id)
            refuse_poison(attempt - task.request.retries - 1, max_attempts)
            shard = Shard.from_message(document)
            report_started(task, shard, child)
            transcribe_files(task, shard, child, attempt)
        except Exception as error:
            apply(decide(error, task.request.retries), task, document, child)
        else:
            child.attempts.end(task.request.id)
    except Exception as error:
        log.critical("this child ends, its message goes back to the queue: %s", error)
        leave_process()


def refuse_poison(crashes: int, max_attempts: int) -> None:
    """Refuse a message whose earlier deliveries all came to no end.

    Raises:
        PoisonShard: when there were too many.
    """
    if crashes >= max_attempts:
        raise PoisonShard(
            f"it was begun {crashes} times and never ended: its worker died, or took too long"
        )


def report_started(task: Any, shard: Shard, child: Child) -> None:
    """Say that a shard is being worked on."""
    info = task.request.delivery_info or {}
    child.observe(
        ShardStarted(
            shard=shard.shard,
            job=shard.job,
            files=len(shard.files),
            queue_wait_s=_since((task.request.headers or {}).get(ENQUEUED_AT_HEADER)),
            redelivered=bool(info.get("redelivered")),
        )
    )


def _since(sent_at: Any) -> float | None:
    try:
        return max(0.0, time.time() - float(sent_at))
    except (TypeError, ValueError):
        return None  # another client, which says nothing or something else


def transcribe_files(task: Any, shard: Shard, child: Child, attempt: int) -> None:
    """Run the pipeline with torch's threads held and watched on both sides."""
    from worker.receipts import Circumstances
    from worker.telemetry.resident import peak_resident_bytes, resident_bytes

    begin, before = time.monotonic(), child.pipeline.engine.hold_threads()
    book = child.open_book(shard)
    book.begin()
    who = Circumstances(
        job=shard.job,
        attempt=attempt,
        retries=task.request.retries,
        worker=task.request.hostname,
        slot=child.plan.slot,
    )
    try:
        effort = child.pipeline.run(shard, who, book.record, book.is_cancelled)
    except Exception:
        book.leave()
        raise
    seconds = time.monotonic() - begin
    book.end(round(seconds * 1000))
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
    child.tell_state()


def apply(decision: Decision, task: Any, document: Any, child: Child) -> None:
    """Carry out what was decided about a whole shard."""
    match decision:
        case Retry():
            postpone(task, document, child, decision)
        case LeaveProcess(message=message):
            log.critical("this child ends, a fresh one takes its shard: %s", message)
            leave_process()
        case DeadLetter():
            put_aside(task, document, child, decision)
        case Skip(kind=kind, message=message):
            put_aside(task, document, child, DeadLetter(message, kind))


def postpone(task: Any, document: Any, child: Child, decision: Retry) -> None:
    """Send the message again for later. Celery's own retry drops it when that fails."""
    retries = task.request.retries + 1
    # to our own queue: another client's message may name an exchange that leads nowhere
    queue = task.app.conf.task_default_queue
    came_by = (task.request.delivery_info or {}).get("routing_key")
    queue = came_by if came_by in lanes(queue) else queue
    again = task.signature_from_request(countdown=decision.delay_s, retries=retries, queue=queue)
    again.apply_async()
    shard = str(document.get("shard"))
    event = ShardPostponed(shard=shard, reason=decision.message, delay_s=decision.delay_s)
    child.observe(event)


def put_aside(task: Any, document: Any, child: Child, decision: DeadLetter) -> None:
    """Keep the message with its reason where somebody finds it, and count its files as failed."""
    letter = Letter(
        message_id=task.request.id,
        reason=decision.message,
        document=document,
        worker=task.request.hostname,
        at=utc_now(),
    )
    child.dead_letters.put(letter)
    with contextlib.suppress(MalformedShard):
        child.open_book(Shard.from_message(document)).give_up(decision.message, decision.kind)
    child.attempts.end(task.request.id)
    child.observe(ShardPutAside(message_id=letter.message_id, reason=decision.message))
