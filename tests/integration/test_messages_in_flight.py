"""Messages reserved by the parent, with kombu's real QoS in a real Valkey."""

import select
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state as celery_state
from kombu.transport import redis

from funasr_fleet.broker.app import make_app
from funasr_fleet.broker.ledger import connect
from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.kombu_patches import RequeueAtHeadQoS
from funasr_fleet.worker.consumer.parent_context import ParentContext, identity_in
from funasr_fleet.worker.consumer.renewal import LeaseRenewal
from funasr_fleet.worker.process.heartbeat import Heartbeat, progress_path
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState
from tests.support.examples import a_shard

QUEUE = "test-leases"


@pytest.fixture
def channels(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Channels of two workers; one message is waiting."""
    monkeypatch.setattr(RequeueAtHeadQoS, "unready", staticmethod(lambda: 0), raising=False)
    monkeypatch.setattr(redis.Channel, "QoS", RequeueAtHeadQoS)
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
def leases(
    settings: Settings, channels: list[Any], monkeypatch: pytest.MonkeyPatch
) -> LeaseRenewal:
    """The lease renewal of the first worker."""
    slots = SlotFiles(settings.run_dir)
    slots.start(1)
    monkeypatch.setattr(
        LeaseRenewal, "parent_context", ParentContext(settings, slots), raising=False
    )
    return LeaseRenewal(None)


def tick_twice(leases: LeaseRenewal, channel: Any) -> None:
    consumer = SimpleNamespace(task_consumer=SimpleNamespace(channel=channel))
    leases.tick(consumer)
    leases.tick(consumer)


def test_an_orphaned_message_is_requeued(leases: LeaseRenewal, channels: list[Any]) -> None:
    mine, others = channels
    assert mine.basic_get(QUEUE)
    tick_twice(leases, mine)
    assert others.basic_get(QUEUE)


def test_a_requeued_message_is_not_taken_from_its_new_worker(
    leases: LeaseRenewal, channels: list[Any], settings: Settings
) -> None:
    mine, others = channels
    message = mine.basic_get(QUEUE)
    mine.qos.reject(message.delivery_tag, requeue=True)
    again = others.basic_get(QUEUE)
    assert again.delivery_tag == message.delivery_tag
    tick_twice(leases, mine)
    assert others.basic_get(QUEUE) is None
    assert connect(settings).hlen("unacked") == 1


def test_a_message_with_an_eta_is_not_requeued(
    leases: LeaseRenewal, channels: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A duplicate with the same id that ends removes it from Celery's dict."""
    mine, others = channels
    waits = SimpleNamespace(message=mine.basic_get(QUEUE))
    monkeypatch.setattr(celery_state, "scheduled_requests", [waits])
    tick_twice(leases, mine)
    assert others.basic_get(QUEUE) is None


def test_a_running_message_of_an_earlier_connection_counts_as_prefetched(
    channels: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a reconnection kombu has no record of it, and a busy worker would fetch another."""
    qos = channels[0].qos
    channels[0].basic_qos(0, 2, False)
    before, now = (SimpleNamespace(message=SimpleNamespace(delivery_tag=n)) for n in ("a", "b"))
    monkeypatch.setattr(celery_state, "active_requests", [before])
    assert qos.can_consume()
    qos._delivered["b"] = None
    monkeypatch.setattr(celery_state, "active_requests", [before, now])
    assert not qos.can_consume()
    monkeypatch.setattr(celery_state, "active_requests", [now])
    assert qos.can_consume()


def test_a_lock_that_its_child_releases_during_renewal_stays_free(
    leases: LeaseRenewal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = leases.parent_context
    context.slots.write(SlotState(slot=0, pid=7, state="ready", device="cpu"))
    heart = Heartbeat(progress_path(settings.run_dir, 0), pid=7)
    heart.begin("shard", "first")
    running = SimpleNamespace(args=[a_shard("s3://in/a.wav").to_message()], worker_pid=7)
    monkeypatch.setattr(celery_state, "active_requests", [running])
    identity = identity_in(running)
    assert identity
    context.renew_locks()
    assert context.shard_lock.take(identity, "another") > 0
    renew = context.shard_lock.renew

    def end_just_before(identity: str, owner: str) -> bool:
        heart.end()
        context.shard_lock.release(identity, owner)
        return renew(identity, owner)

    monkeypatch.setattr(context.shard_lock, "renew", end_just_before)
    context.renew_locks()
    assert context.shard_lock.take(identity, "another") == 0
    context.shard_lock.release(identity, "another")


def test_a_popped_message_is_received_even_without_a_free_slot(
    channels: list[Any], settings: Settings
) -> None:
    mine, others = channels
    first = others.basic_get(QUEUE)
    got: list[Any] = []
    mine.basic_qos(0, 1, False)
    mine.basic_consume(QUEUE, no_ack=False, callback=got.append, consumer_tag="")
    poller, cycle = select.poll(), mine.connection.cycle
    cycle.on_poll_init(poller)
    cycle.on_poll_start()
    mine.qos._delivered["a postponed message"] = None
    assert mine._in_poll
    others.qos.reject(first.delivery_tag, requeue=True)
    (fd,) = cycle.fds
    poller.register(fd, select.POLLIN)
    assert poller.poll(10_000)
    cycle.on_poll_start()
    cycle.on_readable(fd)
    client: Any = connect(settings)
    assert [one.delivery_tag for one in got] == [first.delivery_tag]
    assert client.hexists("unacked", first.delivery_tag)
    cycle.on_poll_start()
    assert not mine._in_poll  # no further message is requested
