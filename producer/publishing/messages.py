"""Shards -> messages on the queue, many with one round trip."""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from kombu.exceptions import KombuError
from redis.exceptions import ResponseError

from contract.broker import make_app
from contract.job import Shard
from contract.queues import ENQUEUED_AT_HEADER, TASK, BrokerUnavailable, broker_priority
from contract.settings import Settings
from producer.planning.parts import planned_row

_COMPRESS_BYTES = 2048
"""Smaller messages gain nothing."""

_NO_SIGNATURES = b'{"callbacks":null,"errbacks":null,"chain":null,"chord":null}'


class ShardTemplate:
    """A shard without its files; the rows of a plan are put in as they are."""

    def __init__(self, shard: Shard) -> None:
        """Take all but the name and the files from this one."""
        self._rest = {name: value for name, value in shard.to_message().items() if name not in _OWN}

    def body(self, name: str, rows: Iterable[bytes]) -> bytes:
        """The task's body: [[shard], {}, {...}]."""
        head = json.dumps({**self._rest, "shard": name}).encode()[:-1]
        return b'[[%s,"files":[%s]}],{},%s]' % (head, b",".join(rows), _NO_SIGNATURES)


_OWN = ("shard", "files")


def document_body(document: Any) -> bytes:
    """The task's body around a whole shard document, as it is."""
    return b"[[%s],{},%s]" % (json.dumps(document).encode(), _NO_SIGNATURES)


class Publisher:
    """An open way to one queue."""

    def __init__(self, app: Any, producer: Any, queue: str, priority: int) -> None:
        self._app = app
        self._producer = producer
        self._queue = queue
        self._priority = broker_priority(priority)
        self._errors = app.connection_for_write().connection_errors

    @contextlib.contextmanager
    def batch(self, most: int) -> Iterator[None]:
        """What is published within goes out together, at the latest at the end.

        Raises:
            BrokerUnavailable: Redis fails; a part of it may be out.
        """
        with self._translated(), self._producer.batch(max_size=most):
            yield

    def publish(self, name: str, body: bytes) -> None:
        """Send one shard; its name is the message's identity. Raises BrokerUnavailable."""
        task = self._app.amqp.as_task_v2(name, TASK, argsrepr="", kwargsrepr="", ignore_result=True)
        headers = {**task.headers, ENQUEUED_AT_HEADER: time.time()}
        with self._translated():
            self._producer.publish(
                body,
                exchange="",  # straight to the queue: no look-up of bindings per message
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
            raise BrokerUnavailable(_said_of(error)) from None


def _said_of(error: BaseException) -> str:
    # kombu keeps what went wrong with a batch as the cause of its own error
    for one in (error, error.__cause__):
        if isinstance(one, ResponseError):  # out of memory, read only: it answers, but refuses
            return f"Redis refused messages: {one}"
    return f"Redis cannot be reached: {error}"


@contextlib.contextmanager
def open_publisher(settings: Settings, queue: str, priority: int) -> Iterator[Publisher]:
    """A way to one queue.

    Args:
        settings: where Redis is.
        queue: a lane of the fleet's queue.
        priority: 0-9, 9 first.
    """
    app: Any = make_app(settings)
    with app.producer_pool.acquire(block=True) as producer:
        yield Publisher(app, producer, queue, priority)


def publish_one(shard: Shard, settings: Settings, priority: int) -> None:
    """Send a single shard to the fleet's first lane. Raises BrokerUnavailable."""
    rows = [planned_row(ref, ref.index) for ref in shard.files]
    with open_publisher(settings, settings.queue, priority) as publisher:
        publisher.publish(shard.shard, ShardTemplate(shard).body(shard.shard, rows))
