"""Celery's consumer, extended to move messages that are not a valid task to the dead letters.

Celery logs such a message with its body, which may contain secrets, and drops it; some kinds crash
the worker.
"""

import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

import redis
from celery.worker.consumer import Consumer
from celery.worker.state import task_ready

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.message_size import check_message_size, check_structure
from funasr_fleet.contract.layout import is_whole
from funasr_fleet.contract.queues import ENQUEUED_AT_HEADER, TASK, BrokerUnavailable, lanes
from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.kombu_patches import REFUSED_HEADER
from funasr_fleet.worker.consumer.parent_context import identity_in
from funasr_fleet.worker.consumer.rejected_message import make_dead_letter
from funasr_fleet.worker.consumer.request import ShardRequest
from funasr_fleet.worker.events import Observer, ShardDeadLettered

log = logging.getLogger(__name__)

_BROKER_ERRORS = (OSError, redis.ConnectionError, redis.TimeoutError)
"""kombu's own list adds KeyError, which would redeliver a message without an ID forever."""

_ALLOWED_HEADERS = {
    *("task", "id", "root_id", "parent_id", "lang", "origin", "eta", "retries"),
    *("ignore_result", "argsrepr", "kwargsrepr", "compression"),
    *(ENQUEUED_AT_HEADER, REFUSED_HEADER),
}
_MOST_RETRIES = 1000
"""Far above the limit of worker.errors."""

_FIRST_YEAR = 2000
_LONGEST_DELAY = timedelta(days=1)
"""A worker holds a delayed message in memory, and renews its lease."""
_MAX_ID_CHARS = 300


class ValidatingConsumer(Consumer):  # type: ignore[misc]
    """The parent's consumer; Celery creates one per connection to the broker."""

    settings: ClassVar[Settings]
    observe: ClassVar[Observer]

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)
        ShardRequest.reject_to_dead_letters = staticmethod(self._dead_letter_request)
        # Celery looks the attribute up for each request, whether or not a child is free
        self.controller._process_task = self._guarded(self.controller._process_task)

    def _guarded(self, send_to_pool: Callable[[Any], None]) -> Callable[[Any], None]:
        """Wrap send_to_pool: dead-letter a request that the pool rejects, and free its slot."""

        def send(request: Any) -> None:
            try:
                send_to_pool(request)
            except Exception as error:
                self._discard(request)
                reason = f"cannot be sent to a worker child: {_describe(error)}"
                self._dead_letter(request.message, reason)

        return send

    def _discard(self, request: Any) -> None:
        """Remove the records that Celery and billiard keep of a request that was not sent."""
        task_ready(request)
        unsent = (one for one in self.pool._pool._cache.values() if not hasattr(one, "_payload"))
        for result in [one for one in unsent if one.correlation_id == request.id]:
            result.discard()
        self.controller._quick_release()

    @cached_property
    def _dead_letters(self) -> DeadLetters:
        return DeadLetters(connect(self.settings), self.settings.key_prefix)

    def update_strategies(self) -> None:
        """Accept only the fleet's task, not Celery's own (chord, map, ...)."""
        super().update_strategies()
        for name in set(self.strategies) - {TASK}:
            del self.strategies[name]

    def create_task_handler(self, *args: object, **kwargs: object) -> Callable[[Any], Any]:
        """Return Celery's message handler, preceded by the validation of the message."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> Any:
            try:
                check_message_size(len(message.body or b""))
                message.headers = sanitize_headers(message.headers)
                if message.headers.get("task") == TASK:
                    check_body(_payload(message))
                    check_structure(
                        message.payload
                    )  # pickle would fail in the middle of sending it
                return handle(message)
            except UnreadableMessage as error:
                return self.on_decode_error(message, error)
            except _BROKER_ERRORS:
                raise
            except Exception as error:
                if message.acknowledged:
                    raise
                return self._dead_letter(message, _describe(error))

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Dead-letter a message that cannot be unpacked or decoded."""
        self._dead_letter(message, f"the body cannot be decoded: {_describe(exc)}")

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Dead-letter a message without a task name."""
        self._dead_letter(message, "the message has no task name")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Dead-letter a message of another task."""
        name = str(message.headers.get("task"))[:100]
        self._dead_letter(message, f"unknown task {name!r}; workers only run {TASK!r}")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Dead-letter a message with invalid headers."""
        self._dead_letter(message, f"invalid task: {_describe(exc)}")

    def _dead_letter_request(self, request: Any, reason: str) -> None:
        """Write a dead letter with the document of a request."""
        letter = make_dead_letter(request.message, reason, self.hostname)
        if identity_in(request):
            letter = letter.model_copy(update={"document": request.args[0]})
        self._write(letter, request.message)

    def _dead_letter(self, message: Any, reason: str) -> None:
        self._write(make_dead_letter(message, reason, self.hostname), message)

    def _write(self, letter: DeadLetter, message: Any) -> None:
        lane = (message.delivery_info or {}).get("routing_key")
        queue = lane if lane in lanes(self.settings.queue) else ""
        try:
            self._dead_letters.put(letter.model_copy(update={"queue": queue}))
        except BrokerUnavailable as error:
            # no request has the message, so LeaseRenewal requeues it within seconds
            id_ = letter.message_id
            log.warning("cannot write dead letter for message %s, will retry: %s", id_, error)
            return
        self.observe(ShardDeadLettered(message_id=letter.message_id, reason=letter.reason))
        message.ack_log_error(log, self.connection_errors)


def sanitize_headers(headers: dict[str, object]) -> dict[str, object]:
    """Return the headers that a shard needs; clients may not set time limits or stamps.

    Celery reads some headers only after it has reserved a child, and does not free it when they are
    invalid. It drops a message whose ETA it cannot convert to seconds.

    Raises:
        ValueError: the ID, which becomes a key in Redis, or the ETA is invalid.
    """
    kept = {name: value for name, value in headers.items() if name in _ALLOWED_HEADERS}
    if "task" in kept:
        _check_id(kept.get("id"))
    if kept.get("eta") is not None:
        _check_eta(kept["eta"])
    retries = kept.get("retries")
    if not isinstance(retries, int) or not 0 <= retries <= _MOST_RETRIES:
        kept["retries"] = 0
    return kept


class UnreadableMessage(Exception):
    """A message's body cannot be unpacked or decoded: send JSON, uncompressed or with zlib."""


def _payload(message: Any) -> Any:
    try:
        return message.payload
    except Exception as error:
        raise UnreadableMessage(_describe(error)) from error


def check_body(body: object) -> None:
    """Check the structure that Celery assumes; otherwise a child fails and the message is lost.

    Raises:
        ValueError: the body is not one argument, no keywords and options, or the options have
            callbacks, chains or chords, which clients may not set.
    """
    parts = body if isinstance(body, list | tuple) else ()
    kinds = (list | tuple, dict, dict | None)
    is_task = len(parts) == len(kinds) and all(map(isinstance, parts, kinds))
    if not is_task or len(parts[0]) != 1 or parts[1]:
        raise ValueError("the body is not [[shard], {}, {}]")
    if any((parts[2] or {}).values()):
        raise ValueError("callbacks, chains and chords are not supported")


def _check_id(id_: object) -> None:
    if not (isinstance(id_, str) and 0 < len(id_) <= _MAX_ID_CHARS and is_whole(id_)):
        raise ValueError(f"the id is not a valid string of 1 to {_MAX_ID_CHARS} characters")


def _check_eta(value: object) -> None:
    valid = False
    if isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError):
            eta = datetime.fromisoformat(value)
            eta = eta if eta.tzinfo else eta.replace(tzinfo=UTC)  # as Celery reads it
            valid = eta.year >= _FIRST_YEAR and eta - datetime.now(UTC) < _LONGEST_DELAY
    if not valid:
        raise ValueError("the ETA is not a valid time, at most one day ahead")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
