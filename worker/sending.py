"""Messages that a child sends: a shard again for later, or its files one by one.

They go before all that waits: who was begun is not to wait behind ten million others.
"""

import random
from collections.abc import Iterable
from typing import Any

from kombu.exceptions import KombuError

from contract.job import Shard
from contract.queues import BrokerUnavailable, broker_priority, lanes

_FIRST = broker_priority(9)
_PATIENT = {"max_retries": None, "interval_start": 0.1, "interval_step": 0.5, "interval_max": 5.0}
"""Seconds. A broker that is away is waited for: this child has nothing better to do."""

_JITTER = 0.2
"""So that what failed together does not come again together."""


def send_later(task: Any, delay_s: float, retries: int) -> None:
    """Send a task's own message again, to be worked on after about this time.

    Celery's own retry drops the message when that fails.
    """
    countdown = delay_s * random.uniform(1 - _JITTER, 1 + _JITTER)
    _send(task, countdown=countdown, retries=retries)


def send_parts(task: Any, parts: Iterable[Shard]) -> None:
    """Send the shards into which the task's was split; done again, the messages are the same."""
    for position, shard in enumerate(parts):
        own_id = f"{task.request.id}.{position}"
        _send(task, args=[shard.to_message()], kwargs={}, task_id=own_id, retries=0)


def _send(task: Any, **options: Any) -> None:
    signature = task.signature_from_request(queue=lane_of(task), **options)
    try:
        signature.apply_async(priority=_FIRST, retry=True, retry_policy=_PATIENT)
    except KombuError as error:
        raise BrokerUnavailable(f"a message cannot be sent: {error}") from None


def lane_of(task: Any) -> str:
    """The queue it came by, if that is ours: another client's message may name any exchange."""
    queue: str = task.app.conf.task_default_queue
    came_by = (task.request.delivery_info or {}).get("routing_key")
    return came_by if came_by in lanes(queue) else queue
