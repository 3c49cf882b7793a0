"""Limits on a message's size, nesting depth and keys, before and after decompression."""

import functools
import zlib
from collections.abc import Iterator
from typing import Any

from kombu import compression

MAX_MESSAGE_BYTES = 32 << 20
"""Limit for a message body, compressed and uncompressed. The largest shard has 10,000 files; with
the longest addresses and names allowed by S3 and by us (1,024 and 900 bytes) it has 20 MB. The
producer's own shards have a few hundred kB."""

MAX_DEPTH = 32
"""Limit for nested lists and objects in a message's body or envelope. A shard needs 8; pickle and
json raise RecursionError at a few hundred levels."""

MAX_KEYS = 100
"""Limit for the keys of an object in a message. A shard's objects have at most 15 kinds of keys;
each unknown one costs some hundred bytes of memory to report."""

_ZLIB = "application/x-gzip"
"""kombu's name for zlib compression."""


class MessageTooLarge(ValueError):
    """A message of more than 32 MiB: put fewer files into a shard."""


class MessageTooComplex(ValueError):
    """A message is nested too deeply, or an object has too many keys: see docs/contract.md."""


def refuse_bombs() -> None:
    """Restrict kombu in this process to zlib, decompressed up to the limit.

    Otherwise the worker's parent might decompress a body of 50 kB to 50 MB with zlib, and to 5 GB
    with other compressions.
    """
    for name in compression.encoders():
        encoder, _ = compression.get_encoder(name)
        decoder = unpack if name == _ZLIB else functools.partial(_refuse, name)
        compression.register(encoder, decoder, name)


def unpack(body: bytes) -> bytes:
    """Decompress a zlib message.

    Raises:
        MessageTooLarge: it exceeds the limit; decompression stops there.
        zlib.error: the body is not valid zlib data.
    """
    check_message_size(len(body))
    unpacker = zlib.decompressobj()
    message = unpacker.decompress(body, MAX_MESSAGE_BYTES)
    if unpacker.unconsumed_tail:
        raise MessageTooLarge(f"it decompresses to more than {MAX_MESSAGE_BYTES} bytes")
    if not unpacker.eof:
        raise zlib.error("the zlib data is truncated")
    return message


def decompress(packed: bytes, limit_bytes: int) -> bytes:
    """Decompress zlib data up to a limit.

    Raises:
        MessageTooLarge: it exceeds the limit; decompression stops there.
        zlib.error: it is not zlib data.
    """
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, limit_bytes)
    if unpacker.unconsumed_tail:
        raise MessageTooLarge(f"it decompresses to more than {limit_bytes} bytes")
    return content


def check_message_size(size_bytes: int) -> None:
    """Check the size of a message body.

    Raises:
        MessageTooLarge: it exceeds the limit.
    """
    if size_bytes > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"it has more than {MAX_MESSAGE_BYTES} bytes")


def check_structure(value: Any) -> None:
    """Reject a JSON value that is nested too deeply or has too many keys.

    Raises:
        MessageTooComplex: lists and objects are nested more than MAX_DEPTH levels deep, or an
            object has more than MAX_KEYS keys.
    """
    level = list(_containers([value]))
    for _ in range(MAX_DEPTH):
        if any(isinstance(one, dict) and len(one) > MAX_KEYS for one in level):
            raise MessageTooComplex(f"an object in it has more than {MAX_KEYS} keys")
        level = [inner for outer in level for inner in _containers(outer)]
    if level:
        raise MessageTooComplex(f"it is nested more than {MAX_DEPTH} levels deep")


def _containers(value: Any) -> Iterator[Any]:
    """The lists and objects directly inside a list or an object."""
    inside = value.values() if isinstance(value, dict) else value
    return (one for one in inside if isinstance(one, list | tuple | dict))


def _refuse(name: str, body: bytes) -> bytes:
    raise ValueError(f"messages compressed with {name} are not supported; use zlib")
