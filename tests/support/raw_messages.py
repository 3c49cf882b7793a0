"""Elements of a queue as any program can put them there, sound or not."""

import base64
import json
import uuid
from typing import Any

from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.queues import TASK
from funasr_fleet.settings import Settings


def task_headers(**others: Any) -> dict[str, Any]:
    """What Celery needs to find the task."""
    return {"id": str(uuid.uuid4()), "task": TASK, "lang": "py", "root_id": None, **others}


def envelope(body: bytes, headers: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A message as kombu lays it into Redis."""
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": headers,
        "properties": {
            "correlation_id": headers.get("id"),
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "fleet"},
            "body_encoding": "base64",
        },
        **others,
    }


def shard_body(document: Any) -> bytes:
    """The body of a task of one argument."""
    return json.dumps([[document], {}, {"callbacks": None, "errbacks": None}]).encode()


def push(settings: Settings, element: Any) -> None:
    """Put one element into the queue, taken before all others."""
    redis: Any = connect(settings)
    text = element if isinstance(element, str | bytes) else json.dumps(element)
    redis.lpush(settings.key_prefix + settings.queue, text)


def waiting(settings: Settings) -> int:
    """Messages that lie in the queue or are in somebody's hands."""
    redis: Any = connect(settings)
    prefix = settings.key_prefix
    return int(redis.llen(prefix + settings.queue)) + int(redis.hlen(f"{prefix}unacked"))
