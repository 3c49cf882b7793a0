"""Names on the broker: fixed, because any Celery client in any language may use them."""

import hashlib
import re


class BrokerUnavailable(Exception):
    """Redis cannot be reached: check FLEET_BROKER_URL, and that the server runs."""


TASK = "fleet.transcribe"
"""The one task; its one argument is the shard document."""

QUEUE = "fleet"
"""The queue that workers consume unless told otherwise."""

LANES = 8
"""Queues that share the workers of one priority in turn: a job waits behind none of the others."""

MODEL_LOAD_LIMIT_S = 1800.0
"""Several times the slowest model load known: a child that takes longer hangs."""

PRIORITY_STEPS = tuple(range(10))
"""Priorities 0-9 as users give them, 9 first."""

DEFAULT_PRIORITY = 4
"""The middle of the range, so that work can be put before and behind."""

ENQUEUED_AT_HEADER = "fleet_enqueued_at"
"""Message header: seconds since the epoch at publishing, for the queue-wait histogram."""


def lanes(queue: str) -> list[str]:
    """The queue by its own name, and the others beside it."""
    return [queue, *(f"{queue}.{number}" for number in range(2, LANES + 1))]


def queue_of(lane: str) -> str:
    """The queue that a lane belongs to."""
    queue = lane.rpartition(".")[0]
    return queue if queue and lane in lanes(queue) else lane


def queue_of_model(model: str) -> str:
    """The queue that a model's workers are to consume when the fleet has several models.

    Its name is fleet- and the letters and digits of the model's, in small letters with a hyphen for
    all that stands between them: fleet-iic-sensevoicesmall of iic/SenseVoiceSmall. Where that
    leaves something out, or is long, the beginning of the name's SHA-256 follows.
    """
    plain = "-".join(re.findall(r"[a-z0-9]+", model.lower()))
    whole = re.fullmatch(r"[A-Za-z0-9/_.-]+", model) and len(plain) <= _LONGEST_PLAIN
    parts = [QUEUE, plain[:_LONGEST_PLAIN]]
    return "-".join(filter(None, parts if whole else [*parts, _digest(model)]))


_LONGEST_PLAIN = 60


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def broker_priority(priority: int) -> int:
    """Turn a user's priority (9 first) into Redis' order, in which 0 is taken first."""
    return PRIORITY_STEPS[-1] - priority


def broker_lists(queue: str) -> list[str]:
    """The Redis lists that hold a queue's ready messages: kombu keeps one per priority."""
    return [f"{queue}\x06\x16{step}" if step else queue for step in PRIORITY_STEPS]
