"""The one Celery task: lock the shard, count the attempt and run it."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

from celery.exceptions import Reject

from funasr_fleet.broker.ledger.keys import identity_of
from funasr_fleet.contract.job import MalformedShard
from funasr_fleet.contract.queues import TASK
from funasr_fleet.contract.shard_message import read_shard
from funasr_fleet.settings import Settings
from funasr_fleet.worker.app.child_process import WorkerContext, leave_process
from funasr_fleet.worker.app.publish import republish_with_delay
from funasr_fleet.worker.app.shard_run import ShardRun
from funasr_fleet.worker.error_handling import decide
from funasr_fleet.worker.errors import RequeueShard
from funasr_fleet.worker.events import ShardLocked

log = logging.getLogger(__name__)

_MAX_LOCKED_DELAY_S = 20.0
"""Maximum delay of a locked shard; its owner may finish before the lock expires."""


def register_task(app: Any, settings: Settings, child: Callable[[], WorkerContext]) -> None:
    """Register the task with the application; `child` is called each time the task runs."""

    def transcribe(task: Any, document: object) -> None:
        run_shard(task, document, child(), settings.max_attempts)

    request = "funasr_fleet.worker.consumer.request:ShardRequest"
    app.task(transcribe, name=TASK, bind=True, max_retries=None, shared=False, Request=request)


def run_shard(task: Any, document: object, child: WorkerContext, max_attempts: int) -> None:
    """Run the shard of a message; errors are handled as worker.error_handling.decide says.

    The message is acknowledged when this function returns. It returns only after the results, the
    dead letter or the republished message is written; on an unexpected error the process exits.

    Raises:
        Reject: the worker is shutting down; the message is requeued.
    """
    try:
        if child.is_draining():
            raise RequeueShard
        # already now, so that a message that takes too long to parse is a stall
        child.heartbeat.begin(f"message {task.request.id}", "")
        try:
            _begin(task, document, child, max_attempts)
        finally:
            child.heartbeat.end()
    except RequeueShard:
        raise Reject("the worker is shutting down", requeue=True) from None
    except Exception as error:
        log.critical("exiting worker child; message will be requeued: %s", error)
        leave_process()


def _begin(task: Any, document: object, child: WorkerContext, max_attempts: int) -> None:
    try:
        shard, invalid = read_shard(document)
    except MalformedShard as error:
        ShardRun(task, document, child).apply(decide(error, 0))
        return
    identity = identity_of(shard.output, shard.shard)
    expires_in_s = child.shard_lock.take(identity, child.owner)
    if expires_in_s:  # another process holds the lock
        delay_s = min(expires_in_s, _MAX_LOCKED_DELAY_S)
        republish_with_delay(task, delay_s, task.request.retries, child.heartbeat.touch)
        child.observe(ShardLocked(shard=shard.shard, delay_s=delay_s))
        return
    attempt_id = secrets.token_hex(8)
    child.heartbeat.begin(shard.shard, attempt_id)
    try:
        if _is_in_dead_letters(task.request.id, identity, child):
            log.warning("ignoring a duplicate of dead letter %s", task.request.id)
            return
        attempt = child.attempts.begin(identity, attempt_id)
        ShardRun(task, document, child, shard, attempt, invalid).run(max_attempts)
        child.shard_ended()
    finally:
        child.heartbeat.end()  # first: the parent renews the lock of a child that makes progress
        child.shard_lock.release(identity, child.owner)


def _is_in_dead_letters(message_id: str, identity: str, child: WorkerContext) -> bool:
    """Whether this message became a dead letter that is neither requeued nor dropped.

    A requeue deletes the record of the attempts, then publishes the message, then deletes the dead
    letter.
    """
    is_rejected = child.attempts.rejected(identity) == message_id
    return is_rejected and child.dead_letters.exists(message_id)
