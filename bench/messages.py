"""Messages through Celery's transport, by one process: sent, taken, acknowledged."""

import time

from contract.broker import make_app
from contract.settings import Settings

_MESSAGES = 5_000
_QUEUE = "bench-messages"
_BODY = {"shard": "bench", "files": [{"audio": f"s3://audio/{n:040}.wav"} for n in range(50)]}
"""As large as a shard of fifty files."""


def messages_per_second(settings: Settings) -> float:
    """How many a second go all the way."""
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
