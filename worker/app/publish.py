"""Messages that a child publishes: its shard with a delay, or its shard split into files.

They have the highest priority, so that a shard that was started does not wait behind ten million
others.
"""

import hashlib
import logging
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

import redis
from kombu.exceptions import OperationalError

from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.queues import broker_priority, lanes
from funasr_fleet.worker.process.heartbeat import Touch

log = logging.getLogger(__name__)

_HIGHEST_PRIORITY = broker_priority(9)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0

_JITTER = 0.2
"""Relative. It spreads the retries of shards that failed at the same time."""

_RETRYABLE = (OperationalError, redis.RedisError, OSError)
"""The broker is unreachable, restarting, full, read-only during a failover, or denies a permission
until it is granted. Exiting instead would only reload the models, and would count as a crash."""

_NAME_CHARS = 160
"""A longer name is cut and gets a hash, so that names of parts stay below the limit of 200."""


def republish_with_delay(task: Any, delay_s: float, retries: int, touch: Touch) -> None:
    """Publish the task's own message again, to run after `delay_s` with some jitter.

    Replaces Celery's own retry, which drops the message when publishing fails.
    """
    countdown = delay_s * random.uniform(1 - _JITTER, 1 + _JITTER)
    _publish(task, touch, countdown=countdown, retries=retries)


def split(shard: Shard) -> list[Shard]:
    """PURE: return one shard per file, to isolate the one that crashed the worker.

    The parts' names are deterministic.
    """
    stem = shard.shard
    if len(stem) > _NAME_CHARS:
        stem = f"{stem[:_NAME_CHARS]}~{hashlib.sha256(stem.encode()).hexdigest()[:16]}"
    return [
        shard.model_copy(update={"shard": f"{stem}.{position}", "files": (ref,)})
        for position, ref in enumerate(shard.files)
    ]


def publish_split(task: Any, parts: Iterable[Shard], touch: Touch) -> None:
    """Publish the parts of the task's shard. A repeated call publishes the same message IDs."""
    for position, shard in enumerate(parts):
        own_id = f"{task.request.id}.{position}"
        _publish(task, touch, args=[shard.to_message()], kwargs={}, task_id=own_id, retries=0)


def _publish(task: Any, touch: Touch, **options: Any) -> None:
    """Publish a message, retrying until it succeeds: a broker outage must not end this child.

    Celery itself does not retry if the connection was never open, or after a second error.
    """
    signature = task.signature_from_request(queue=lane_of(task), **options)
    for wait_s in _waits():
        touch("publish of a message", wait_s)
        try:
            signature.apply_async(priority=_HIGHEST_PRIORITY, retry=False)
        except _RETRYABLE as error:
            log.warning("cannot publish a message, retrying in %.1f s: %s", wait_s, error)
            time.sleep(wait_s)
        else:
            return


def _waits() -> Iterator[float]:
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s * random.uniform(1 - _JITTER, 1 + _JITTER)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def lane_of(task: Any) -> str:
    """Return the lane that delivered the task's message.

    Falls back to the default queue: a message of another client may have any routing key.
    """
    queue: str = task.app.conf.task_default_queue
    routing_key = (task.request.delivery_info or {}).get("routing_key")
    return routing_key if routing_key in lanes(queue) else queue
