"""Replacements for parts of kombu's Redis transport; celery_patches installs them.

Requeueing: kombu requeues a rejected message at the tail of its queue, where a shard whose child
crashed would wait for days behind millions of others. Here it goes to the head.

JSON: kombu makes dates, UUIDs and decimals of some objects. Here all values stay as they are in
JSON: converting a decimal of 20 characters to an integer may take hours.

Decoding: kombu pops an element before it decodes it, and a decoding error in its event loop loses
the element and ends the worker. Here an element that is not a Celery message is wrapped into a
valid message with the reason in a header; worker.consumer.message_validation then moves it to the
dead letters like any other.
"""

import binascii
import json
import uuid
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from celery.worker import state as celery_state
from kombu import serialization
from kombu.transport import redis, virtual
from kombu.utils.json import dumps

from funasr_fleet.broker.message_size import MAX_MESSAGE_BYTES, MessageTooComplex, check_structure


class RequeueAtHeadQoS(redis.QoS):  # type: ignore[misc]
    """kombu's record of unacked messages, modified.

    It requeues at the head. It does not reserve a message for a child whose models are not loaded
    yet: another worker may be idle.
    """

    unready: Callable[[], int]
    """Counts the children whose models are not loaded."""

    def can_consume(self) -> bool:
        """Whether another message may be consumed.

        While a BRPOP is in flight, the answer is yes, so that its reply is read. The reply may
        contain a message that Redis has already removed from the list, which would be lost with the
        connection. kombu does not read the reply while there is no room, and a delayed message or a
        crashed child may take the room after BRPOP was sent.
        """
        if self.channel._in_poll:
            return True
        room = self.can_consume_max_estimate()
        return room is None or room - self._active_from_earlier_connection() > self.unready()

    def _active_from_earlier_connection(self) -> int:
        """Count active messages of an earlier connection, which this record does not contain."""
        active = {one.message.delivery_tag for one in tuple(celery_state.active_requests)}
        return len(active - set(self._delivered))

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop the message, or requeue it at the head of its queue."""
        if requeue:
            self.requeue_at_head(delivery_tag)
        else:
            super().reject(delivery_tag, requeue=False)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Requeue the message of a record. Unlike an element of a queue, it may have any length."""

        def restore(pipe: Any) -> None:
            record = pipe.hget(self.unacked_key, tag)
            pipe.multi()
            self._remove_from_indices(tag, pipe)
            if record:
                message, exchange, routing_key = json.loads(record)
                self.channel._do_restore_message(message, exchange, routing_key, pipe, leftmost)

        with self.channel.conn_or_acquire(client) as connected:
            connected.transaction(restore, self.unacked_key)

    def requeue_at_head(self, delivery_tag: str) -> None:
        """Requeue the message so that it is consumed next."""
        self.restore_by_tag(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)


def decode_plain_json() -> None:
    """Make kombu decode bodies to JSON's own types in this process and in children it will fork."""
    serialization.register("json", dumps, json.loads, "application/json", "utf-8")


REFUSED_HEADER = "fleet_refused"
"""Header of a wrapped element: the reason why it is not a valid message."""

KEPT_CHARACTERS = 2000
"""Length of the beginning of a rejected message that its dead letter keeps, to identify it."""

_MAX_ENVELOPE = MAX_MESSAGE_BYTES * 4 // 3 + (1 << 20)
"""Maximum length of a message with its headers, in characters; bodies are in base64."""

_NOT_A_MESSAGE = "not a Celery message"


def deliverable(element: object, queue: str) -> Any:
    """A valid message from an element of a queue, with a delivery tag and routing key of our own.

    The element's own may be anything: kombu uses the tag as a key, shared with other messages if
    they have the same one, and requeues a message to the key in Redis that its routing key names.
    The encoding is UTF-8, whatever the element says: kombu takes any codec of Python, also bz2,
    which decompresses without a limit, and punycode, which takes hours for a few megabytes.
    """
    message = _valid_or_wrapped(element)
    message["content-encoding"] = "utf-8"
    properties = message["properties"]
    info = {**properties["delivery_info"], "exchange": "", "routing_key": queue}
    properties |= {"delivery_tag": str(uuid.uuid4()), "delivery_info": info}
    if not isinstance(properties.get("priority", 0), int):  # kombu fails at infinity
        del properties["priority"]
    return message


def _valid_or_wrapped(element: object) -> Any:
    if is_valid_message(element):
        return element
    try:
        return wrap_invalid(str(element), _NOT_A_MESSAGE)
    except RecursionError:
        return wrap_invalid("", _NOT_A_MESSAGE)


def read_envelope(text: str) -> Any:
    """Decode an element of a queue; replace one that is invalid, too large or too complex."""
    if len(text) > _MAX_ENVELOPE:
        return wrap_invalid(text, f"the message has more than {MAX_MESSAGE_BYTES} bytes")
    try:
        message = json.loads(text)
        check_structure(message)  # kombu encodes it again, which would raise RecursionError
    except MessageTooComplex as error:
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


def is_valid_message(message: object) -> bool:
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


def _has_body(body: object, encoding: object) -> bool:
    if not isinstance(body, str) or encoding not in (None, "base64"):
        return False
    try:
        return encoding is None or bool(b64decode(body)) or not body
    except (binascii.Error, ValueError):
        return False
