"""What the parent takes for left behind, in kombu's real books and a real Valkey."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state as celery_state
from kombu.transport import redis

from contract.broker import make_app
from contract.ledger import connect
from contract.settings import Settings
from worker.parent.in_hand import Parent
from worker.parent.leases import Leases
from worker.parent.returning import HeadFirst
from worker.slots import SlotFiles

QUEUE = "test-leases"


@pytest.fixture
def channels(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Of two workers; one message waits."""
    monkeypatch.setattr(HeadFirst, "unready", staticmethod(lambda: 0), raising=False)
    monkeypatch.setattr(redis.Channel, "QoS", HeadFirst)
    app = make_app(settings)
    with app.connection_for_write() as one, app.connection_for_write() as other:
        found = [one.default_channel, other.default_channel]
        found[0].queue_declare(QUEUE)
        one.Producer().publish({}, routing_key=QUEUE, serializer="json", retry=False)
        yield found
        for channel in found:
            channel.qos._delivered.clear()
        client: Any = connect(settings)
        client.delete(QUEUE, "unacked", "unacked_index", f"_kombu.binding.{QUEUE}")


@pytest.fixture
def leases(settings: Settings, channels: list[Any], monkeypatch: pytest.MonkeyPatch) -> Leases:
    """Of the first worker."""
    slots = SlotFiles(settings.run_dir)
    slots.start(1)
    monkeypatch.setattr(Leases, "side", Parent(settings, slots), raising=False)
    return Leases(None)


def look_twice(leases: Leases, channel: Any) -> None:
    consumer = SimpleNamespace(task_consumer=SimpleNamespace(channel=channel))
    leases.look(consumer)
    leases.look(consumer)


def test_what_nobody_works_on_any_more_is_given_back(leases: Leases, channels: list[Any]) -> None:
    mine, others = channels
    assert mine.basic_get(QUEUE)
    look_twice(leases, mine)
    assert others.basic_get(QUEUE)


def test_what_was_given_back_is_not_taken_from_who_has_it_now(
    leases: Leases, channels: list[Any], settings: Settings
) -> None:
    mine, others = channels
    message = mine.basic_get(QUEUE)
    mine.qos.reject(message.delivery_tag, requeue=True)
    again = others.basic_get(QUEUE)
    assert again.delivery_tag == message.delivery_tag
    look_twice(leases, mine)
    assert others.basic_get(QUEUE) is None
    assert connect(settings).hlen("unacked") == 1


def test_what_waits_for_its_time_stays(
    leases: Leases, channels: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A twin of the same id, which ends, takes it out of Celery's dict."""
    mine, others = channels
    waits = SimpleNamespace(message=mine.basic_get(QUEUE))
    monkeypatch.setattr(celery_state, "scheduled_requests", [waits])
    look_twice(leases, mine)
    assert others.basic_get(QUEUE) is None
