"""Status and exporter count unacknowledged messages by queue, a page at a time."""

import json
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import redis as kombu_redis

from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.broker.unacked import unacked_by_queue
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.kombu_patches import RequeueAtHeadQoS, read_envelope
from tests.support.messages import envelope, shard_body, task_headers

FILLER = "x" * 200


def test_many_messages_are_counted_in_pages_of_which_none_reads_all(
    separate_fleet: Settings,
) -> None:
    redis: Any = connect(separate_fleet)
    key = f"{separate_fleet.key_prefix}unacked"
    queue = separate_fleet.queue
    lanes = [queue, f"{queue}.2", "another"]
    for number in range(900):
        held = json.dumps([{"body": FILLER}, "", lanes[number % 3]])
        redis.hset(key, f"tag-{number}", held)
    assert unacked_by_queue(redis, separate_fleet.key_prefix) == {queue: 600, "another": 300}
    # backlog() and the exporter count only the messages of their queues
    assert LedgerReader(redis, separate_fleet.key_prefix).backlog(queue) == (0, 600)
    (shown,) = FleetCollector(separate_fleet).collect().queues
    assert (shown.queue, shown.unacked) == (queue, 600)


def test_a_call_reads_a_part_of_the_messages(separate_fleet: Settings, monkeypatch: Any) -> None:
    redis: Any = connect(separate_fleet)
    key = f"{separate_fleet.key_prefix}unacked"
    held = json.dumps([{"body": FILLER}, "", "fleet"])
    redis.hset(key, mapping={f"tag-{number}": held for number in range(900)})
    counts: list[int] = []
    evaluate = redis.eval

    def recorded(*arguments: Any) -> Any:
        answer = evaluate(*arguments)
        counts.append(sum(map(int, answer[2::2])))
        return answer

    monkeypatch.setattr(redis, "eval", recorded)
    assert unacked_by_queue(redis, separate_fleet.key_prefix) == {"fleet": 900}
    assert len(counts) > 1
    assert max(counts) < 400


def test_a_record_of_any_length_is_requeued(
    separate_fleet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kombu_redis.Channel, "QoS", RequeueAtHeadQoS)
    monkeypatch.setattr(kombu_redis, "loads", read_envelope)
    redis: Any = connect(separate_fleet)
    prefix, queue = separate_fleet.key_prefix, separate_fleet.queue
    message = envelope(shard_body({"padding": "x" * 60_000_000}), task_headers())
    redis.hset(f"{prefix}unacked", "a-tag", json.dumps([message, "", queue]))
    options = {"global_keyprefix": prefix}
    with Connection(separate_fleet.broker_url, transport_options=options) as connection:
        connection.default_channel.qos.restore_by_tag("a-tag")
    assert redis.hlen(f"{prefix}unacked") == 0
    assert json.loads(redis.lindex(f"{prefix}{queue}", 0))["body"] == message["body"]
