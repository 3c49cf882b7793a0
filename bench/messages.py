"""Sends, takes and acks messages through Celery's transport in one process."""

import time

from funasr_fleet.broker.app import make_app
from funasr_fleet.settings import Settings

_MESSAGES = 5_000
_QUEUE = "bench-messages"
_BODY = {"shard": "bench", "files": [{"audio": f"s3://audio/{n:040}.wav"} for n in range(50)]}
"""A message of the size of a shard with fifty files."""


def messages_per_second(settings: Settings) -> float:
    """Return the messages per second that are sent, taken and acked."""
    with make_app(settings).connection_for_write() as connection:
        channel = connection.default_channel
        channel.queue_declare(_QUEUE)
        producer = connection.Producer()
        begin = time.perf_counter()
        for _ in range(_MESSAGES):
            producer.publish(_BODY, routing_key=_QUEUE, serializer="json", retry=False)
        for _ in range(_MESSAGES):
            channel.basic_ack(channel.basic_get(_QUEUE).delivery_tag)
        return _MESSAGES / (time.perf_counter() - begin)
