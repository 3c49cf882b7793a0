"""Shards -> messages on the queue."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from contract.broker import make_app
from contract.job import Shard
from contract.queues import ENQUEUED_AT_HEADER, TASK, BrokerUnavailable, broker_priority
from contract.settings import Settings


def publish(shards: Iterable[Shard], settings: Settings, priority: int) -> Iterator[Shard]:
    """Send each shard, and yield it once it is sent.

    Raises:
        BrokerUnavailable: when Redis does not take a message.
    """
    app: Any = make_app(settings)
    with app.producer_pool.acquire(block=True) as producer:
        for shard in shards:
            try:
                _send(app, producer, shard, settings.queue, priority)
            except (OSError, app.connection_for_write().connection_errors) as error:
                raise BrokerUnavailable(f"Redis cannot be reached: {error}") from None
            yield shard


def _send(app: Any, producer: Any, shard: Shard, queue: str, priority: int) -> None:
    app.send_task(
        TASK,
        args=[shard.to_message()],
        queue=queue,
        priority=broker_priority(priority),
        headers={ENQUEUED_AT_HEADER: time.time()},
        producer=producer,
        retry=False,
        argsrepr="",  # hotwords stay out of logs, and messages small
        ignore_result=True,
    )
