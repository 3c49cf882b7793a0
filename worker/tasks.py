"""The one task: read the shard, run the pipeline, apply the decision."""

import logging
import time
from collections.abc import Callable
from typing import Any

from contract.dead_letters import DeadLetter as Letter
from contract.job import AudioRef, Shard
from contract.queues import ENQUEUED_AT_HEADER, TASK
from contract.settings import Settings
from contract.transcript import Outcome, utc_now
from worker.events import ShardFinished, ShardPostponed, ShardPutAside, ShardStarted
from worker.failures import DeadLetter, Decision, LeaveProcess, Retry, Skip, decide
from worker.lifecycle import Child, leave_process

log = logging.getLogger(__name__)


def register_task(app: Any, settings: Settings, child: Callable[[], Child]) -> None:
    """Give the application its task; the child is asked for when a task runs."""

    def transcribe(task: Any, document: Any) -> None:
        run_shard(task, document, child(), settings.max_attempts)

    app.task(transcribe, name=TASK, bind=True, max_retries=None, shared=False)


def run_shard(task: Any, document: Any, child: Child, max_attempts: int) -> None:
    """Parse, start, transcribe, finish; an error becomes what worker.failures decides."""
    attempt = task.request.retries + 1
    try:
        shard = Shard.from_message(document)
        report_started(task, shard, child)
        transcribe_files(task, shard, child, attempt, max_attempts)
    except Exception as error:
        apply(decide(error, attempt, max_attempts), task, document, child)


def report_started(task: Any, shard: Shard, child: Child) -> None:
    """Say that a shard is being worked on."""
    sent_at = (task.request.headers or {}).get(ENQUEUED_AT_HEADER)
    info = task.request.delivery_info or {}
    child.observe(
        ShardStarted(
            shard=shard.shard,
            job=shard.job,
            files=len(shard.files),
            queue_wait_s=max(0.0, time.time() - float(sent_at)) if sent_at else None,
            redelivered=bool(info.get("redelivered")),
        )
    )


def transcribe_files(
    task: Any, shard: Shard, child: Child, attempt: int, max_attempts: int
) -> None:
    """Run the pipeline with torch's threads held and watched on both sides."""
    from worker.receipts import Circumstances
    from worker.telemetry.resident import resident_bytes

    begin, before = time.monotonic(), child.pipeline.engine.hold_threads()
    who = Circumstances(
        job=shard.job,
        attempt=attempt,
        max_attempts=max_attempts,
        worker=task.request.hostname,
        slot=child.plan.slot,
    )
    child.pipeline.run(shard, who, _recorder(shard, child))
    child.tell_state()
    child.observe(
        ShardFinished(
            shard=shard.shard,
            job=shard.job,
            seconds=time.monotonic() - begin,
            threads_before=before,
            threads_after=child.pipeline.engine.hold_threads(),
            resident_bytes=resident_bytes(),
        )
    )


def _recorder(shard: Shard, child: Child) -> Callable[[AudioRef, Outcome, int], None]:
    def record(ref: AudioRef, outcome: Outcome, audio_ms: int) -> None:
        if shard.job is not None and ref.index is not None:
            child.ledger.record(shard.job, ref.index, outcome, audio_ms)

    return record


def apply(decision: Decision, task: Any, document: Any, child: Child) -> None:
    """Carry out what was decided about a whole shard."""
    match decision:
        case Retry(delay_s=delay_s, message=message):
            shard = str(document.get("shard"))
            child.observe(ShardPostponed(shard=shard, reason=message, delay_s=delay_s))
            raise task.retry(countdown=delay_s)
        case LeaveProcess(message=message):
            log.critical("this child ends, a fresh one takes its shard: %s", message)
            leave_process()
        case DeadLetter(message=message) | Skip(message=message):
            put_aside(task, document, child, message)


def put_aside(task: Any, document: Any, child: Child, reason: str) -> None:
    """Keep the message with its reason where somebody finds it."""
    letter = Letter(
        message_id=task.request.id,
        reason=reason,
        document=document,
        worker=task.request.hostname,
        at=utc_now(),
    )
    child.dead_letters.put(letter)
    child.observe(ShardPutAside(message_id=letter.message_id, reason=reason))
