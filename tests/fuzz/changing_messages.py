"""Elements of a queue: changed shards in changed envelopes, and elements that are no messages."""

import bz2
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

from tests.fuzz.changing_json import mutated, valid
from tests.support.messages import envelope, shard_body, task_headers

Element = str | bytes | dict[str, Any]


def element(random_: random.Random, output: str) -> Element:
    """One element; most are changed shards whose results go below `output`."""
    return random_.choice(_KINDS)(random_, output)


def _shard(random_: random.Random, output: str) -> dict[str, Any]:
    """A valid shard of a few files, of which none exists."""
    shard: dict[str, Any] = valid(random_)
    number = random_.randrange(1 << 32)
    shard |= {"shard": f"fuzzed-{number}", "job": f"fuzzed-{number % 5000}", "output": output}
    for place, file in enumerate(shard["files"]):
        file |= {"audio": f"s3://audio/{number}-{place}.wav", "relative": f"{number}-{place}"}
    return shard


def _changed_shard(random_: random.Random, output: str) -> Element:
    document = mutated(_shard(random_, output), random_)
    return envelope(shard_body(document), task_headers())


def _changed_body(random_: random.Random, output: str) -> Element:
    body = json.loads(shard_body(_shard(random_, output)))
    return envelope(json.dumps(mutated(body, random_)).encode(), task_headers())


def _changed_headers(random_: random.Random, output: str) -> Element:
    headers = task_headers(
        retries=0, eta=None, expires=None, timelimit=[None, None], argsrepr="", kwargsrepr=""
    )
    message = envelope(shard_body(_shard(random_, output)), headers)
    return {**message, "headers": mutated(headers, random_)}


def _changed_envelope(random_: random.Random, output: str) -> Element:
    message = envelope(shard_body(_shard(random_, output)), task_headers())
    changed = mutated(message, random_)
    return changed if isinstance(changed, dict) else json.dumps(changed)


def _changed_text(random_: random.Random, output: str) -> Element:
    message = envelope(shard_body(_shard(random_, output)), task_headers())
    text = bytearray(json.dumps(message).encode())
    for _ in range(random_.choice((1, 2, 5, 40))):
        text[random_.randrange(len(text))] = random_.randrange(256)
    return bytes(text[: random_.choice((len(text), random_.randrange(len(text))))])


def _encoded(random_: random.Random, output: str) -> Element:
    """A body in another encoding than its envelope says, or in an unusual one."""
    body = shard_body(_shard(random_, output))
    packed = random_.choice(_PACKERS)(body)
    compression = random_.choice((None, "zlib", "bzip2", "gzip", "lzma", "zstd", "rot13", 7))
    kind = random_.choice(
        (
            "application/json",
            "application/x-python-serialize",
            "application/x-yaml",
            "text/plain",
            "application/data",
            "application/text",
            7,
        )
    )
    encoding = random_.choice(_ENCODINGS)
    return envelope(
        packed,
        task_headers(compression=compression),
        **{"content-type": kind, "content-encoding": encoding},
    )


_ENCODINGS = (
    *("utf-8", "binary", "utf-16", "cp037", "rot13", "no such one", None),
    *("bz2", "zlib", "hex", "punycode", "idna", "unicode_escape"),
)
_PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    zlib.compress,
    bz2.compress,
    lambda body: zlib.compress(body)[:-9],
    lambda body: body.decode().encode("utf-16"),
    lambda body: body[: len(body) // 2],
    lambda body: b"\x80\x04" + body,
    lambda _: b"",
)

_KINDS = (
    *(_changed_shard, _changed_shard, _changed_shard, _changed_shard),
    *(_changed_body, _changed_headers, _changed_envelope, _changed_text, _encoded),
)
