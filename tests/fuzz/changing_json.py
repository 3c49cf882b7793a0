"""Mutations of JSON, and of valid shards: changed, removed, added and retyped values."""

import copy
import random
from collections.abc import Callable
from typing import Any

VALID: dict[str, Any] = {
    "schema": 1,
    "shard": "job-20261122-0007",
    "job": "job-20261122",
    "output": "s3://out/prefix/",
    "files": [
        {
            "index": 412,
            "audio": "s3://in/calls/a.mp3",
            "relative": "calls/a.mp3",
            "etag": '"9b2c"',
            "bytes": 812345,
            "start_ms": 10,
            "end_ms": 60_000,
            "channel": 0,
            "options": {"language": "zh", "hotwords": ["alpha"]},
        },
        {"audio": "s3://in/\u7535\u8bdd/b.wav"},
    ],
    "options": {
        "formats": ["json", "srt"],
        "language": None,
        "hotwords": [],
        "timestamps": "segment",
        "speakers": False,
        "channels": "mix",
    },
    "overwrite": False,
}

_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 2**200, 0.5, -0.0, 1e308, float("inf"), float("nan"))
_TEXTS = (
    *("", "/", "..", "../x", "s3://", "s3://b", "s3://b/", "s3://b/k", "http://h/p", "file:///x"),
    *("a\0b", "\ud800", "\udfff", "\u202e", "\u2028", "\x85", "\uff0e\uff0e", "x" * 5000, "\\"),
    *("json", "zh", "word", "split", "true", "1", "\U0001f600" * 50, "s3://b/" + "/.." * 9),
)
_KOMBU_TYPES = ("decimal", "datetime", "date", "time", "uuid", "bytes", "base64", "x")
_TYPED: tuple[Any, ...] = ("1E+999999999", "7", "2026-11-30T12:00:00", {"hex": "0" * 32}, "AAAA")
"""Values of the types that kombu's JSON has in addition."""
_KEYS = ("schema", "shard", "job", "output", "files", "options", "audio", "relative", "", "x", "__")


def valid(random_: random.Random) -> Any:
    """A shard with one to five files."""
    document = copy.deepcopy(VALID)
    document["files"] = random_.choices(document["files"], k=random_.randint(1, 5))
    return copy.deepcopy(document)


def changed(random_: random.Random) -> Any:
    """A valid shard after one to four changes, rarely more."""
    return mutated(valid(random_), random_)


def mutated(document: Any, random_: random.Random) -> Any:
    """The document after one to four changes, rarely more; it may be changed in place."""
    for _ in range(random_.choice((1, 1, 1, 2, 2, 3, 4, 12))):
        document = _change_somewhere(document, random_)
    return document


def _change_somewhere(value: Any, random_: random.Random) -> Any:
    """Make one change at a random place."""
    if isinstance(value, dict) and value and random_.random() < 0.85:
        key = random_.choice(list(value))
        value[key] = _change_somewhere(value[key], random_)
        return value
    if isinstance(value, list) and value and random_.random() < 0.8:
        at = random_.randrange(len(value))
        value[at] = _change_somewhere(value[at], random_)
        return value
    return random_.choice(_CHANGES)(value, random_)


def _any(value: Any, random_: random.Random) -> Any:
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: random_.choice((True, False)),
        lambda: random_.choice(_NUMBERS),
        lambda: random_.choice(_TEXTS),
        lambda: [],
        lambda: {},
        lambda: [value],
        lambda: {random_.choice(_KEYS): value},
        lambda: {
            "__type__": random_.choice(_KOMBU_TYPES),
            "__value__": copy.deepcopy(random_.choice(_TYPED)),
        },
        lambda: _nested(random_.choice((5, 50, 900))),
        lambda: "".join(chr(random_.randrange(0x110000)) for _ in range(random_.randrange(12))),
    )
    return random_.choice(kinds)()


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def _grown(value: Any, random_: random.Random) -> Any:
    if isinstance(value, dict):
        return {**value, random_.choice(_KEYS): _any(None, random_)}
    if isinstance(value, list):
        return value * random_.choice((2, 3, 50)) + [_any(None, random_)]
    return _any(value, random_)


def _shrunk(value: Any, random_: random.Random) -> Any:
    if isinstance(value, dict) and value:
        return {key: value[key] for key in value if random_.random() < 0.7}
    if isinstance(value, list | str) and value:
        return value[: random_.randrange(len(value))]
    return _any(value, random_)


def _spliced(value: Any, random_: random.Random) -> Any:
    if not isinstance(value, str):
        return _any(value, random_)
    at = random_.randrange(len(value) + 1)
    return value[:at] + random_.choice(_TEXTS) + value[at:]


def _nudged(value: Any, random_: random.Random) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return _any(value, random_)
    return value + random_.choice((-1, 1, 256, -(10**6), 2**27, 2**40))


_CHANGES = (_any, _any, _grown, _shrunk, _spliced, _nudged)
