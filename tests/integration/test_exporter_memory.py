"""Large messages at the head of a queue take little memory in the exporter."""

import json
import time
import tracemalloc
from typing import Any

from funasr_fleet.broker.ledger import connect
from funasr_fleet.settings import Settings
from tests.integration.test_exporter import queue_in


def test_a_large_element_is_not_parsed(separate_fleet: Settings) -> None:
    client: Any = connect(separate_fleet)
    client.lpush(
        separate_fleet.key_prefix + separate_fleet.queue,
        '{"headers": {"x": [' + "[]," * 1_000_000 + "0]}}",
    )
    tracemalloc.start()
    reading = queue_in(separate_fleet)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (reading.ready, reading.oldest_s) == (1, 0.0)
    assert peak < 2_000_000


def test_a_large_message_has_an_age(separate_fleet: Settings) -> None:
    client: Any = connect(separate_fleet)
    message = {"body": "x" * 1_000_000, "headers": {"fleet_enqueued_at": time.time() - 60}}
    client.lpush(
        separate_fleet.key_prefix + separate_fleet.queue, json.dumps({**message, "properties": {}})
    )
    assert queue_in(separate_fleet).oldest_s >= 60
