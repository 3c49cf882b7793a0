"""Messages that a child sends: a shard again for later, or its files one by one.

They go before all that waits: who was begun is not to wait behind ten million others.
"""

import logging
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

import redis
from kombu.exceptions import OperationalError

from contract.job import Shard
from contract.queues import broker_priority, lanes
from worker.progress import Beat

log = logging.getLogger(__name__)

_FIRST = broker_priority(9)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0

_JITTER = 0.2
"""So that what failed together does not come again together."""

_PASSING = (OperationalError, redis.RedisError, OSError)
"""Away, restarting, full, read only while another takes over; or a right that lacks, until it is
given: who left instead would load its models again for nothing, and count as a death."""


def send_later(task: Any, delay_s: float, retries: int, beat: Beat) -> None:
    """Send a task's own message again, to be worked on after about this time.

    Celery's own retry drops the message when that fails.
    """
    countdown = delay_s * random.uniform(1 - _JITTER, 1 + _JITTER)
    _send(task, beat, countdown=countdown, retries=retries)


def send_parts(task: Any, parts: Iterable[Shard], beat: Beat) -> None:
    """Send the shards into which the task's was split; done again, the messages are the same."""
    for position, shard in enumerate(parts):
        own_id = f"{task.request.id}.{position}"
        _send(task, beat, args=[shard.to_message()], kwargs={}, task_id=own_id, retries=0)


def _send(task: Any, beat: Beat, **options: Any) -> None:
    """Until it is sent: this child has nothing better to do, and must not die of its broker.

    Celery's own patience ends at a connection that was never open, and at a second error.
    """
    signature = task.signature_from_request(queue=lane_of(task), **options)
    for wait_s in _waits():
        beat("the sending of a message", wait_s)
        try:
            signature.apply_async(priority=_FIRST, retry=False)
        except _PASSING as error:
            log.warning("a message cannot be sent, again in %.1f s: %s", wait_s, error)
            time.sleep(wait_s)
        else:
            return


def _waits() -> Iterator[float]:
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s * random.uniform(1 - _JITTER, 1 + _JITTER)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def lane_of(task: Any) -> str:
    """The queue it came by, if that is ours: another client's message may name any exchange."""
    queue: str = task.app.conf.task_default_queue
    came_by = (task.request.delivery_info or {}).get("routing_key")
    return came_by if came_by in lanes(queue) else queue
