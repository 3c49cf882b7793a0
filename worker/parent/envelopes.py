"""What lies in the queue's lists need not be a message at all; it must not end the worker.

kombu takes an element away before it looks at it, and what it then cannot read raises in its event
loop: the element is lost and the worker ends. Here such an element becomes a message that says why
it is none, which worker.parent.refusing then puts aside like others.
"""

import binascii
import uuid
from base64 import b64decode
from typing import Any

from kombu.transport import redis
from kombu.utils.json import loads

from contract.message_size import MAX_MESSAGE_BYTES, MessageTooDeep, check_depth

REFUSED_HEADER = "fleet_refused"
"""Says why an element is no message."""

KEPT_CHARACTERS = 2000
"""So much of what is refused is kept, for somebody to recognise it."""

_MAX_ENVELOPE = MAX_MESSAGE_BYTES * 4 // 3 + (1 << 20)
"""Characters of a message and its headers; bodies are in base64."""

_deliver = redis.Transport._deliver


def take_any_envelope() -> None:
    """Let kombu's Redis transport, in this process, hand on whatever lies in a list."""
    redis.loads = read_envelope
    redis.Transport._deliver = lambda transport, message, queue: _deliver(
        transport, message if is_sound(message) else _wrapped(message), queue
    )


_NO_MESSAGE = "it is no message of Celery's"


def _wrapped(element: Any) -> dict[str, Any]:
    try:
        return in_envelope(str(element), _NO_MESSAGE)
    except RecursionError:
        return in_envelope("", _NO_MESSAGE)


def read_envelope(text: str) -> Any:
    """The message; kombu's notes of those in flight are lists, and are read here as well."""
    if len(text) > _MAX_ENVELOPE and not text.startswith("["):
        return in_envelope(text, f"it has more than {MAX_MESSAGE_BYTES} bytes")
    try:
        message = loads(text)
        if not isinstance(message, list):
            check_depth(message)  # kombu writes it out again, as JSON that may not end
    except MessageTooDeep as error:
        return in_envelope(text, str(error))
    except (ValueError, TypeError, RecursionError):
        return in_envelope(text, "it is no JSON")
    return message


def in_envelope(text: str, reason: str) -> dict[str, Any]:
    """A sound message without a task that carries the beginning of something else."""
    return {
        "body": text[:KEPT_CHARACTERS],
        "content-type": "text/plain",
        "content-encoding": "utf-8",
        "headers": {REFUSED_HEADER: reason},
        "properties": {
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": ""},
        },
    }


def is_sound(message: Any) -> bool:
    """Whether kombu finds in the message what it looks for without asking."""
    if not isinstance(message, dict):
        return False
    properties, headers = message.get("properties"), message.get("headers")
    if not isinstance(properties, dict) or not isinstance(headers, dict | None):
        return False
    tag, place = properties.get("delivery_tag"), properties.get("delivery_info")
    return (
        isinstance(tag, str)
        and bool(tag)
        and isinstance(place, dict)
        and isinstance(place.get("exchange"), str)
        and isinstance(place.get("routing_key"), str)
        and isinstance(properties.get("correlation_id"), str | None)
        and _has_body(message.get("body"), properties.get("body_encoding"))
    )


def _has_body(body: Any, encoding: Any) -> bool:
    if not isinstance(body, str) or encoding not in (None, "base64"):
        return False
    try:
        return encoding is None or bool(b64decode(body)) or not body
    except (binascii.Error, ValueError):
        return False
