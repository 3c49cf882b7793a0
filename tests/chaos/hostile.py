"""A client that sends hostile messages while a job runs."""

import contextlib
import random
import threading
import uuid
from collections.abc import Iterator

import redis

from funasr_fleet.settings import Settings
from tests.fuzz.changing_messages import element
from tests.support.messages import push

EVERY_S = 0.3


@contextlib.contextmanager
def hostile_sender(settings: Settings, seed: int) -> Iterator[None]:
    """Send a fuzzed message every 0.3 s during the block, whenever the broker is there."""
    random_, stop = random.Random(seed), threading.Event()
    output = f"s3://transcripts/{uuid.uuid4()}/"

    def send() -> None:
        while not stop.wait(EVERY_S):
            with contextlib.suppress(redis.RedisError, OSError):
                push(settings, element(random_, output))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
