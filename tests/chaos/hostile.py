"""A client that sends hostile messages while a job runs."""

import contextlib
import random
import threading
import uuid
from collections.abc import Callable, Iterator

import redis

from funasr_fleet.settings import Settings
from tests.fuzz.changing_messages import element
from tests.support.messages import push

EVERY_S = 1.0


@contextlib.contextmanager
def hostile_sender(
    settings: Settings, seed: int, is_over: Callable[[], bool]
) -> Iterator[list[None]]:
    """Send a fuzzed message every second during the block, until `is_over`; yield one per message.

    The end of a job is observed without it: a hostile shard may wait for its next attempt for
    minutes, and until then a lost message of the job cannot be distinguished from one in progress.
    """
    dice, stop, sent = random.Random(seed), threading.Event(), list[None]()
    output = f"s3://transcripts/{uuid.uuid4()}/"

    def send() -> None:
        while not stop.wait(EVERY_S) and not is_over():
            with contextlib.suppress(redis.RedisError, OSError):  # faults of the schedule
                push(settings, element(dice, output))
                sent.append(None)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
