"""Messages built from rows, the number sent per round trip, and Redis errors."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import BatchPublishError
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import OutOfMemoryError, ResponseError

from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.producer.planning.parts import planned_row
from funasr_fleet.producer.publishing.messages import Publisher, ShardTemplate
from funasr_fleet.producer.publishing.publication import wait_for_room
from tests.support.examples import a_ref, a_shard


def test_a_message_body_is_the_shard() -> None:
    refs = [
        a_ref("s3://in/电话.wav", index=0, etag='"e"', bytes=7),
        a_ref("s3://in/b.wav", index=1, start_ms=5, end_ms=9, options={"language": "zh"}),
    ]
    shard = a_shard(*refs, overwrite=True, options={"formats": ["srt"], "hotwords": ["nine"]})
    rows = [planned_row(ref, ref.index) for ref in refs]
    (document,), named, _ = json.loads(ShardTemplate(shard).body(shard.shard, rows))
    assert Shard.from_message(document) == shard
    assert named == {}


def test_a_row_without_an_index_has_none() -> None:
    row = json.loads(planned_row(a_ref(), None))
    assert "index" not in row


class Failing:
    """A kombu producer whose calls all raise this error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @contextlib.contextmanager
    def batch(self, max_size: int) -> Iterator[None]:
        yield
        raise BatchPublishError("delivery is uncertain") from self.error

    def publish(self, *_: Any, **__: Any) -> None:
        raise self.error


def a_publisher(error: Exception) -> Publisher:
    app = Celery("test", broker="redis://", set_as_current=False)
    return Publisher(app, Failing(error), "fleet", 4)


@pytest.mark.parametrize("error", [OutOfMemoryError("maxmemory"), ResponseError("maxmemory")])
def test_a_full_redis_is_reported_as_refusing_messages(error: Exception) -> None:
    publisher = a_publisher(error)
    with pytest.raises(BrokerUnavailable, match=r"^Redis refused messages: maxmemory$"):
        publisher.publish("night-00000-0000", b"[]")
    with (
        pytest.raises(BrokerUnavailable, match=r"^Redis refused messages: maxmemory$"),
        publisher.batch(2),
    ):
        pass


def test_an_unreachable_redis_is_reported_as_such() -> None:
    publisher = a_publisher(RedisAway("refused"))
    with pytest.raises(BrokerUnavailable, match=r"^Redis cannot be reached: refused$"):
        publisher.publish("night-00000-0000", b"[]")
    with pytest.raises(BrokerUnavailable, match=r"^Redis cannot be reached"), publisher.batch(2):
        pass


class Queue:
    """The number of waiting messages at each poll; counts the waits."""

    def __init__(self, *ready: int) -> None:
        self.ready = list(ready)
        self.waits = 0

    def look(self) -> int:
        return self.ready.pop(0)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1


@pytest.mark.parametrize(
    ("ready", "room", "waits"),
    [([0], 100, 0), ([99], 1, 0), ([100, 51, 50], 50, 2), ([150, 20], 80, 1)],
)
def test_the_room_is_what_the_high_mark_leaves(ready: list[int], room: int, waits: int) -> None:
    queue, told = Queue(*ready), list[int]()
    assert wait_for_room(100, queue.look, lambda: False, told.append, queue.sleep) == room
    assert (queue.waits, told) == (waits, ready[:waits])


def test_a_stopped_producer_does_not_wait() -> None:
    queue = Queue(100)
    assert wait_for_room(100, queue.look, lambda: True, lambda _: None, queue.sleep) == 0
    assert queue.waits == 0
