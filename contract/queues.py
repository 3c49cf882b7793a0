"""Task and queue names on the broker; fixed, because Celery clients in any language use them."""

import hashlib
import re


class BrokerUnavailable(Exception):
    """Redis cannot be reached: check FLEET_BROKER_URL, and that the server is running."""


TASK = "fleet.transcribe"
"""The only task; its only argument is the shard document."""

QUEUE = "fleet"
"""The default queue."""

LANES = 8
"""Number of lanes of a queue. Workers consume the lanes in turn, so that jobs in different lanes do
not wait for each other."""

MODEL_LOAD_LIMIT_S = 1800.0
"""Several times the slowest known model load: a child that takes longer is considered hung."""

PRIORITY_STEPS = tuple(range(10))
"""Priorities 0-9 as users give them; 9 is the highest."""

DEFAULT_PRIORITY = 4
"""The middle of the range, so that jobs can have a higher or a lower priority."""

ENQUEUED_AT_HEADER = "fleet_enqueued_at"
"""Message header: seconds since the epoch at publishing, for the queue-wait histogram."""


def lanes(queue: str) -> list[str]:
    """The names of a queue's lanes; the first is the queue's own name."""
    return [queue, *(f"{queue}.{number}" for number in range(2, LANES + 1))]


def queue_of(lane: str) -> str:
    """The queue that a lane belongs to."""
    queue = lane.rpartition(".")[0]
    return queue if queue and lane in lanes(queue) else lane


def queue_of_model(model: str) -> str:
    """The queue for a model's workers when the fleet has several models.

    The name is "fleet-" and the model's name in lower case, in which a hyphen replaces each run of
    characters that are not letters or digits: fleet-iic-sensevoicesmall for iic/SenseVoiceSmall.
    If the model's name is long or contains characters outside A-Z, a-z, 0-9 and /_.-, the first
    8 hex digits of its SHA-256 are appended.
    """
    plain = "-".join(re.findall(r"[a-z0-9]+", model.lower()))
    whole = re.fullmatch(r"[A-Za-z0-9/_.-]+", model) and len(plain) <= _LONGEST_PLAIN
    parts = [QUEUE, plain[:_LONGEST_PLAIN]]
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return "-".join(filter(None, parts if whole else [*parts, digest]))


_LONGEST_PLAIN = 60


def broker_priority(priority: int) -> int:
    """Convert a user's priority (9 is highest) to kombu's on Redis, where 0 is consumed first."""
    return PRIORITY_STEPS[-1] - priority


def broker_lists(queue: str) -> list[str]:
    """The Redis lists of a queue's ready messages; kombu has one per priority."""
    return [f"{queue}\x06\x16{step}" if step else queue for step in PRIORITY_STEPS]
