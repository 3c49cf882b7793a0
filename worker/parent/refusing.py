"""Celery's consumer, but for messages that are no task: they are put aside, none is lost.

Celery logs such a message with its body, which may hold secrets, and drops it; some kinds end the
worker.
"""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import redis
from celery.worker.consumer import Consumer
from celery.worker.state import task_ready

from contract.dead_letters import DeadLetter, DeadLetters
from contract.layout import is_whole
from contract.ledger import connect
from contract.message_size import check_depth, check_message_size
from contract.queues import ENQUEUED_AT_HEADER, TASK, BrokerUnavailable, lanes
from contract.settings import Settings
from contract.transcript import utc_now
from worker.events import Observer, ShardPutAside
from worker.parent.envelopes import KEPT_CHARACTERS, REFUSED_HEADER
from worker.parent.in_hand import identity_in
from worker.parent.requests import ShardRequest

log = logging.getLogger(__name__)

_BROKER_ERRORS = (OSError, redis.ConnectionError, redis.TimeoutError)
"""kombu takes every KeyError for one as well: a message without an id would come for ever."""

_TAKEN = {
    *("task", "id", "root_id", "parent_id", "lang", "origin", "eta", "retries"),
    *("ignore_result", "argsrepr", "kwargsrepr", "compression"),
    *(ENQUEUED_AT_HEADER, REFUSED_HEADER),
}
_MOST_RETRIES = 1000
"""Far above what worker.failures allows."""

_YEARS = (2000, 2100)
_LONGEST_ID = 300

_LONGEST_REASON = 300
"""Characters: a reason may quote a part of the message."""


class RefusingConsumer(Consumer):  # type: ignore[misc]
    """One per connection of the parent to its broker."""

    settings: ClassVar[Settings]
    observe: ClassVar[Observer]

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        ShardRequest.refuse = staticmethod(self._refuse_request)
        # Celery looks it up for each request, whether a child is free at once or later
        self.controller._process_task = self._guarded(self.controller._process_task)

    def _guarded(self, send_to_pool: Callable[[Any], None]) -> Callable[[Any], None]:
        """Let a request that the pool rejects become a dead letter and free its slot."""

        def send(request: Any) -> None:
            try:
                send_to_pool(request)
            except Exception as error:
                self._discard(request)
                self._put_aside(request.message, f"it cannot be given to a child: {_said(error)}")

        return send

    def _discard(self, request: Any) -> None:
        """Undo what Celery and billiard noted of a request that no child will ever see."""
        task_ready(request)
        unsent = (one for one in self.pool._pool._cache.values() if not hasattr(one, "_payload"))
        for result in [one for one in unsent if one.correlation_id == request.id]:
            result.discard()
        self.controller._quick_release()

    @cached_property
    def _letters(self) -> DeadLetters:
        return DeadLetters(connect(self.settings), self.settings.key_prefix)

    def update_strategies(self) -> None:
        """Know the one task; Celery's own (chord, map, ...) are nobody's business here."""
        super().update_strategies()
        for name in set(self.strategies) - {TASK}:
            del self.strategies[name]

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """What takes a message; whatever is wrong with that one is no affair of the others."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> Any:
            try:
                check_message_size(len(message.body or b""))
                message.headers = sound_headers(message.headers)
                if message.headers.get("task") == TASK:
                    check_body(_opened(message))
                    check_depth(message.payload)  # pickle would end in the middle of it
                return handle(message)
            except Unreadable as error:
                return self.on_decode_error(message, error)
            except _BROKER_ERRORS:
                raise
            except Exception as error:
                if message.acknowledged:
                    raise
                return self._put_aside(message, _said(error))

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """It cannot be unpacked or read."""
        self._put_aside(message, f"it cannot be read: {_said(exc)}")

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """It names no task."""
        self._put_aside(message, "it names no task")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """It names a task that is none of ours."""
        name = str(message.headers.get("task"))[:100]
        self._put_aside(message, f"there is no task {name!r}; workers do {TASK!r}")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Its headers are wrong."""
        self._put_aside(message, f"it is no valid task: {_said(exc)}")

    def _refuse_request(self, request: Any, reason: str) -> None:
        """Write a dead letter that can be requeued."""
        letter = write_letter(request.message, reason, self.hostname)
        if identity_in(request):
            lane = (request.delivery_info or {}).get("routing_key")
            queue = lane if lane in lanes(self.settings.queue) else ""
            letter = letter.model_copy(update={"document": request.args[0], "queue": queue})
        self._keep(letter, request.message)

    def _put_aside(self, message: Any, reason: str) -> None:
        self._keep(write_letter(message, reason, self.hostname), message)

    def _keep(self, letter: DeadLetter, message: Any) -> None:
        try:
            self._letters.put(letter)
        except BrokerUnavailable as error:
            # no request has it, so that Leases gives it back in some seconds
            log.warning("message %s cannot be put aside for now: %s", letter.message_id, error)
            return
        self.observe(ShardPutAside(message_id=letter.message_id, reason=letter.reason))
        message.ack_log_error(log, self.connection_errors)


def sound_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Those headers that a shard needs; limits of time and stamps are not for a client to set.

    Celery looks at some of them only when a child is reserved, and never frees it when they are
    wrong; and it drops a message whose ETA it cannot turn into seconds.

    Raises:
        ValueError: the identity, which becomes a key in Redis, or a time is none.
    """
    kept = {name: value for name, value in headers.items() if name in _TAKEN}
    if "task" in kept:
        _check_identity(kept.get("id"))
    if kept.get("eta") is not None:
        _check_time("eta", kept["eta"])
    retries = kept.get("retries")
    if not isinstance(retries, int) or not 0 <= retries <= _MOST_RETRIES:
        kept["retries"] = 0
    return kept


class Unreadable(Exception):
    """A message's body cannot be unpacked or read: send JSON, packed with zlib or not at all."""


def _opened(message: Any) -> Any:
    try:
        return message.payload
    except Exception as error:
        raise Unreadable(_said(error)) from error


def check_body(body: Any) -> None:
    """Look at what Celery takes for granted: a child would fail on it, and it would be lost.

    What the third part says of callbacks and chains is not for a client to set.

    Raises:
        ValueError: it is not [arguments, named arguments, more].
    """
    parts = body if isinstance(body, list | tuple) else ()
    kinds = (list | tuple, dict, dict | None)
    if len(parts) != len(kinds) or not all(map(isinstance, parts, kinds)):
        raise ValueError("its body is not [[shard], {}, {}]")
    if any((parts[2] or {}).values()):
        raise ValueError("callbacks, chains and chords are not taken")


def _check_identity(identity: Any) -> None:
    sound = isinstance(identity, str) and 0 < len(identity) <= _LONGEST_ID and is_whole(identity)
    if not sound:
        raise ValueError(f"its id is no text of 1 to {_LONGEST_ID} characters")


def _check_time(name: str, value: Any) -> None:
    try:
        sound = _YEARS[0] <= datetime.fromisoformat(value).year < _YEARS[1]
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise ValueError(f"its {name.upper()} is no time between {_YEARS[0]} and {_YEARS[1]}")


def write_letter(message: Any, reason: str, worker: str) -> DeadLetter:
    """The letter of a message that no child has seen; of its body, the beginning is kept."""
    body = message.body or b""
    text = body if isinstance(body, str) else body.decode("utf-8", "backslashreplace")
    return DeadLetter(
        message_id=_sound(_identity(message)),
        reason=_sound(str(message.headers.get(REFUSED_HEADER) or reason))[:_LONGEST_REASON],
        document={
            "body": text[:KEPT_CHARACTERS],
            "bytes": len(body),
            "content_type": str(message.content_type)[:100],
            "compression": str(message.headers.get("compression"))[:100],
        },
        worker=worker,
        at=utc_now(),
    )


def _identity(message: Any) -> str:
    for name in (message.headers.get("id"), message.properties.get("correlation_id")):
        if isinstance(name, str) and name:
            return name[:200]
    return str(message.delivery_tag or uuid.uuid4())


def _sound(text: str) -> str:
    """Halves of surrogate pairs have no UTF-8, and Redis and JSON readers refuse them."""
    return text.encode("utf-8", "backslashreplace").decode()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
