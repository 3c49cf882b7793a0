"""Messages that are not a valid task, each with a part of its reason as a dead letter."""

import bz2
import zlib
from typing import Any

from funasr_fleet.broker.message_size import MAX_MESSAGE_BYTES
from tests.support.messages import envelope, shard_body, task_headers

SECRET = "secret-4711"
"""A value in a message that must not be logged."""

BOMB = zlib.compress(bytes(3 * MAX_MESSAGE_BYTES), 9)


def bare(**changed: Any) -> dict[str, Any]:
    return {**envelope(shard_body({"secret": SECRET}), task_headers()), **changed}


def without(*path: str) -> dict[str, Any]:
    message = inner = bare()
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return message


DECIMAL = {"__type__": "decimal", "__value__": "1E+999999999"}
"""kombu makes a Decimal of it, which takes hours to convert to an integer."""


def with_priority(priority: Any) -> dict[str, Any]:
    """The properties of a message."""
    properties: dict[str, Any] = bare()["properties"]
    return {**properties, "priority": priority}


A_SHARD = {"schema": 1, "shard": "a", "files": [{"audio": "s3://audio/pin-code.wav"}]}
PAST = "2020-01-01T00:00:00"

INVALID: dict[str, tuple[Any, str]] = {
    "broken JSON": (
        envelope(b'[[{"secret": "' + SECRET.encode(), task_headers()),
        "cannot be decoded",
    ),
    "no UTF-8": (envelope(b"\xff\xfe" + SECRET.encode(), task_headers()), "cannot be decoded"),
    "deep JSON": (envelope(b"[" * 200_000, task_headers()), ""),
    "unknown task": (envelope(b"[[],{},{}]", task_headers(task="fleet.other")), "fleet.other"),
    "Celery's own task": (envelope(b"[[],{},{}]", task_headers(task="celery.map")), "celery.map"),
    "a task that is a list": (envelope(b"[[],{},{}]", task_headers(task=["x"])), ""),
    "no task": (envelope(b'{"secret": "%s"}' % SECRET.encode(), {}), "no task name"),
    "no id": (envelope(b"[[],{},{}]", {"task": "fleet.transcribe"}), "id"),
    "an id that is a list": (envelope(b"[[],{},{}]", task_headers(id=[1])), ""),
    "two parts": (envelope(b"[[],{}]", task_headers()), ""),
    "a number": (envelope(b"7", task_headers()), ""),
    "odd ETA": (envelope(shard_body({}), task_headers(eta="soon")), "the ETA is not a valid time"),
    "far ETA": (envelope(shard_body({}), task_headers(eta="9999-12-31T23:59:59")), "ETA is not"),
    "an end in the past": (envelope(shard_body({}), task_headers(expires=PAST)), "malformed shard"),
    "a decimal as schema": (
        envelope(shard_body(A_SHARD | {"schema": DECIMAL}), task_headers()),
        "malformed shard: schema",
    ),
    "a decimal as shard": (
        envelope(shard_body(A_SHARD | {"shard": DECIMAL}), task_headers()),
        "malformed shard: shard",
    ),
    "a decimal as ETA": (envelope(shard_body({}), task_headers(eta=DECIMAL)), "the ETA is not"),
    "a decimal as priority": (
        envelope(b"7", task_headers(), properties=with_priority(DECIMAL)),
        "the body is not",
    ),
    "a keyword": (envelope(b'[[{}], {"self": 1}, {}]', task_headers()), "the body is not"),
    "two arguments": (envelope(b"[[{}, {}], {}, {}]", task_headers()), "the body is not"),
    "no list of arguments": (envelope(b"[7, {}, {}]", task_headers()), "the body is not"),
    "no arguments": (envelope(b"[null, {}, {}]", task_headers()), "the body is not"),
    "odd more": (envelope(b"[[{}], {}, [1]]", task_headers()), "the body is not"),
    "callbacks": (envelope(b'[[{}], {}, {"task": 1}]', task_headers()), "callbacks, chains and"),
    "odd time limits": (envelope(shard_body({}), task_headers(timelimit=7)), "malformed shard"),
    "odd stamps": (envelope(shard_body({}), task_headers(stamped_headers=7)), "malformed shard"),
    "odd retries": (envelope(shard_body({}), task_headers(retries="x")), "malformed shard"),
    "zlib bomb": (envelope(BOMB, task_headers(compression="zlib")), "decompresses to more than"),
    "bzip2": (
        envelope(bz2.compress(b"[[],{},{}]"), task_headers(compression="bzip2")),
        "application/x-bz2 are not supported",
    ),
    "a codec of Python": (
        envelope(bz2.compress(bytes(3 * MAX_MESSAGE_BYTES)), task_headers())
        | {"content-type": "application/data", "content-encoding": "bz2"},
        "cannot be decoded",
    ),
    "101 options": (
        envelope(
            shard_body(A_SHARD | {"options": dict.fromkeys(map(str, range(101)))}), task_headers()
        ),
        "more than 100 keys",
    ),
    "no zlib": (envelope(SECRET.encode(), task_headers(compression="zlib")), "cannot be decoded"),
    "cut off": (
        envelope(zlib.compress(b"x" * 99)[:9], task_headers(compression="zlib")),
        "truncated",
    ),
    "unknown packing": (envelope(b"x", task_headers(compression="rot13")), "rot13"),
    "50 MB": (envelope(b" " * 50_000_000, task_headers()), "more than 33554432 bytes"),
    "33 MB": (envelope(b" " * (MAX_MESSAGE_BYTES + 9), task_headers()), "more than 33554432 bytes"),
    "no envelope": (SECRET, "not valid JSON"),
    "a bare shard": ({"schema": 1, "shard": SECRET}, "not a Celery message"),
    "a list": ([1, 2, 3], "not a Celery message"),
    "nothing": ("", "not valid JSON"),
    "headers that are a list": (bare(headers=[SECRET]), "not a Celery message"),
    "no delivery tag": (without("properties", "delivery_tag"), "not a Celery message"),
    "no routing key": (
        without("properties", "delivery_info", "routing_key"),
        "not a Celery message",
    ),
    "no base64": (bare(body="%%%"), "not a Celery message"),
    "an output in a job": (
        envelope(shard_body(A_SHARD | {"output": "s3://transcripts/x/_jobs/y/"}), task_headers()),
        "malformed shard: output",
    ),
    "half an id": (
        envelope(shard_body({}), task_headers(id="\ud800x")),
        "the id is not a valid string",
    ),
    "a long id": (
        envelope(shard_body({}), task_headers(id="x" * 9999)),
        "the id is not a valid string",
    ),
    "half a character": (envelope(b"[]", task_headers(task="\udfff")), "udfff"),
}
