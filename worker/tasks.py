"""The one task: claim the shard, count the attempt, and do what the message asks for."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

from celery.exceptions import Reject

from contract.attempts_key import identity_of
from contract.job import MalformedShard, Shard
from contract.queues import TASK
from contract.settings import Settings
from worker.delivery import Delivery, HandedBack
from worker.events import ShardHeldElsewhere
from worker.failures import decide
from worker.lifecycle import Child, leave_process
from worker.sending import send_later

log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 20.0
"""For a shard that another process holds; it may end sooner than its claim."""


def register_task(app: Any, settings: Settings, child: Callable[[], Child]) -> None:
    """Give the application its task; the child is asked for when a task runs."""

    def transcribe(task: Any, *arguments: Any, **named: Any) -> None:
        alone = len(arguments) == 1 and not named
        document = arguments[0] if alone else {"args": arguments, "kwargs": named}
        run_shard(task, document, child(), settings.max_attempts)

    request = "worker.parent.requests:ShardRequest"
    app.task(transcribe, name=TASK, bind=True, max_retries=None, shared=False, Request=request)


def run_shard(task: Any, document: Any, child: Child, max_attempts: int) -> None:
    """Do what a message asks for; an error becomes what worker.failures decides.

    A message is acknowledged when this returns; so it does not, unless all is safe.

    Raises:
        Reject: the worker ends, and another is to take the message.
    """
    try:
        _begin(task, document, child, max_attempts)
    except HandedBack:
        raise Reject("the worker ends", requeue=True) from None
    except Exception as error:
        log.critical("this child ends, its message goes back to the queue: %s", error)
        leave_process()


def _begin(task: Any, document: Any, child: Child, max_attempts: int) -> None:
    if child.is_draining():
        raise HandedBack
    try:
        shard = Shard.from_message(document)
    except MalformedShard as error:
        Delivery(task, document, child).apply(decide(error, 0))
        return
    identity = identity_of(shard.output, shard.shard)
    held_s = child.claims.take(identity, child.owner)
    if held_s:
        wait_for_holder(task, shard, child, held_s)
        return
    beginning = secrets.token_hex(8)
    child.heartbeat.begin(shard.shard, beginning)
    try:
        attempt = child.attempts.begin(identity, beginning)
        Delivery(task, document, child, shard, attempt).run(max_attempts)
        child.shard_ended()
    finally:
        child.heartbeat.end()
        child.claims.release(identity, child.owner)


def wait_for_holder(task: Any, shard: Shard, child: Child, held_s: float) -> None:
    """Somebody works on it: let it come again, as a message of its own, when they may be done."""
    delay_s = min(held_s, _LONGEST_WAIT_S)
    send_later(task, delay_s, task.request.retries, child.heartbeat.beat)
    child.observe(ShardHeldElsewhere(shard=shard.shard, delay_s=delay_s))
