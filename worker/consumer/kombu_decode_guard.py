"""Keep the worker alive when a queue contains an element that is not a Celery message.

kombu pops an element before it decodes it, and a decoding error in its event loop loses the element
and ends the worker. This module wraps such an element into a valid message with the reason in a
header; worker.consumer.message_validation then moves it to the dead letters like any other.
"""

import binascii
import uuid
from base64 import b64decode
from typing import Any

from kombu.utils.json import loads

from funasr_fleet.broker.message_size import MAX_MESSAGE_BYTES, MessageTooDeep, check_depth

REFUSED_HEADER = "fleet_refused"
"""Why the element is not a message."""

KEPT_CHARACTERS = 2000
"""How much of a rejected message is kept in its dead letter, to identify it."""

_MAX_ENVELOPE = MAX_MESSAGE_BYTES * 4 // 3 + (1 << 20)
"""Maximum length of a message with its headers, in characters; bodies are in base64."""

_NOT_A_MESSAGE = "not a Celery message"


def valid_or_wrapped(element: Any) -> Any:
    """The element if it is a valid message, else a valid message that wraps it."""
    if is_valid_message(element):
        return element
    try:
        return wrap_invalid(str(element), _NOT_A_MESSAGE)
    except RecursionError:
        return wrap_invalid("", _NOT_A_MESSAGE)


def read_envelope(text: str) -> Any:
    """Decode a message; replace one that is invalid, too large or too deep.

    kombu decodes its records of unacked messages, which are lists, with this function too.
    """
    if len(text) > _MAX_ENVELOPE and not text.startswith("["):
        return wrap_invalid(text, f"the message has more than {MAX_MESSAGE_BYTES} bytes")
    try:
        message = loads(text)
        if not isinstance(message, list):
            check_depth(message)  # kombu encodes it again, which would raise RecursionError
    except MessageTooDeep as error:
        return wrap_invalid(text, str(error))
    except (ValueError, TypeError, RecursionError):
        return wrap_invalid(text, "not valid JSON")
    return message


def wrap_invalid(text: str, reason: str) -> dict[str, Any]:
    """Make a valid message without a task from the first characters of an invalid element."""
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


def is_valid_message(message: Any) -> bool:
    """Whether the message has every field that kombu reads without checking."""
    if not isinstance(message, dict):
        return False
    properties, headers = message.get("properties"), message.get("headers")
    if not isinstance(properties, dict) or not isinstance(headers, dict | None):
        return False
    tag, info = properties.get("delivery_tag"), properties.get("delivery_info")
    return (
        isinstance(tag, str)
        and bool(tag)
        and isinstance(info, dict)
        and isinstance(info.get("exchange"), str)
        and isinstance(info.get("routing_key"), str)
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
