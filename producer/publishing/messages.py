"""Encode shards as Celery messages and publish them, many per round trip."""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from kombu.exceptions import KombuError
from redis.exceptions import ResponseError

from funasr_fleet.broker.app import make_app
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.queues import (
    ENQUEUED_AT_HEADER,
    TASK,
    BrokerUnavailable,
    broker_priority,
)
from funasr_fleet.producer.planning.parts import planned_row
from funasr_fleet.settings import Settings

_COMPRESS_BYTES = 2048
"""Minimum size of a compressed message; compressing smaller ones saves nothing."""

_NO_SIGNATURES = b'{"callbacks":null,"errbacks":null,"chain":null,"chord":null}'


class ShardTemplate:
    """A shard without name and files; encoded rows of a plan are inserted without parsing."""

    def __init__(self, shard: Shard) -> None:
        """Copy every field of this shard except its name and files."""
        self._rest = {name: value for name, value in shard.to_message().items() if name not in _OWN}

    def body(self, name: str, rows: Iterable[bytes]) -> bytes:
        """The body of the Celery message: [[shard], {}, {...}]."""
        head = json.dumps({**self._rest, "shard": name}).encode()[:-1]
        return b'[[%s,"files":[%s]}],{},%s]' % (head, b",".join(rows), _NO_SIGNATURES)


_OWN = ("shard", "files")


def document_body(document: Any) -> bytes:
    """The body of a Celery message with this shard document, unchanged."""
    return b"[[%s],{},%s]" % (json.dumps(document).encode(), _NO_SIGNATURES)


class Publisher:
    """Publishes messages with one priority to one queue."""

    def __init__(self, app: Any, producer: Any, queue: str, priority: int) -> None:
        self._app = app
        self._producer = producer
        self._queue = queue
        self._priority = broker_priority(priority)
        self._errors = app.connection_for_write().connection_errors

    @contextlib.contextmanager
    def batch(self, most: int) -> Iterator[None]:
        """Buffer the messages published in this context and send them together.

        They are sent when `most` messages are buffered, and at the end of the context.

        Raises:
            BrokerUnavailable: Redis is unavailable; some messages may have been sent.
        """
        with self._translated(), self._producer.batch(max_size=most):
            yield

    def publish(self, name: str, body: bytes) -> None:
        """Publish one shard; its name is the message id. Raises BrokerUnavailable."""
        task = self._app.amqp.as_task_v2(name, TASK, argsrepr="", kwargsrepr="", ignore_result=True)
        headers = {**task.headers, ENQUEUED_AT_HEADER: time.time()}
        with self._translated():
            self._producer.publish(
                body,
                exchange="",  # directly to the queue: no lookup of bindings per message
                routing_key=self._queue,
                content_type="application/json",
                content_encoding="utf-8",
                headers=headers,
                priority=self._priority,
                compression="zlib" if len(body) > _COMPRESS_BYTES else None,
                **task.properties,
            )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, KombuError, ResponseError, *self._errors) as error:
            raise BrokerUnavailable(_error_text(error)) from None


def _error_text(error: BaseException) -> str:
    # kombu chains the error of a batch as the cause of its own error
    for one in (error, error.__cause__):
        if isinstance(one, ResponseError):  # Redis is reachable, but out of memory or read-only
            return f"Redis refused messages: {one}"
    return f"Redis cannot be reached: {error}"


@contextlib.contextmanager
def open_publisher(settings: Settings, queue: str, priority: int) -> Iterator[Publisher]:
    """A publisher for one queue.

    Args:
        settings: name the Redis server.
        queue: a lane of the queue.
        priority: 0-9, 9 first.
    """
    app: Any = make_app(settings)
    with app.producer_pool.acquire(block=True) as producer:
        yield Publisher(app, producer, queue, priority)


def publish_one(shard: Shard, settings: Settings, priority: int) -> None:
    """Publish a single shard to the first lane of the settings' queue. Raises BrokerUnavailable."""
    rows = [planned_row(ref, ref.index) for ref in shard.files]
    with open_publisher(settings, settings.queue, priority) as publisher:
        publisher.publish(shard.shard, ShardTemplate(shard).body(shard.shard, rows))
