"""How large and how deeply nested a message may be, before and after it is unpacked."""

import functools
import zlib
from collections.abc import Iterator
from typing import Any

from kombu import compression

MAX_MESSAGE_BYTES = 32 << 20
"""Of a message's body, packed or not. The largest shard has 10,000 files; with addresses and names
as long as S3 and we allow (1,024 and 900 bytes) it has 20 MB. fleet's own have some hundred kB."""

MAX_DEPTH = 32
"""Lists and objects within each other, in a message's body or in its envelope. A shard needs 8;
pickle and json raise RecursionError at a few hundred levels."""

_ZLIB = "application/x-gzip"
"""kombu's name for what zlib packs."""


class MessageTooLarge(ValueError):
    """A message of more than 32 MiB: put fewer files into a shard."""


class MessageTooDeep(ValueError):
    """A message nests lists or objects more than 32 deep: send a shard as the contract shows it."""


def refuse_bombs() -> None:
    """Make kombu, in this process, unpack zlib up to the limit, and nothing else at all.

    A body of 50 kB may unpack to 50 MB by zlib, and to 5 GB by others, in the worker's parent.
    """
    for name in compression.encoders():
        encoder, _ = compression.get_encoder(name)
        decoder = unpack if name == _ZLIB else functools.partial(_refuse, name)
        compression.register(encoder, decoder, name)


def unpack(body: bytes) -> bytes:
    """The message that zlib packed.

    Raises:
        MessageTooLarge: it is larger than the limit; no more than that is unpacked.
        zlib.error: that is none.
    """
    check_message_size(len(body))
    unpacker = zlib.decompressobj()
    message = unpacker.decompress(body, MAX_MESSAGE_BYTES)
    if unpacker.unconsumed_tail:
        raise MessageTooLarge(f"it unpacks to more than {MAX_MESSAGE_BYTES} bytes")
    if not unpacker.eof:
        raise zlib.error("it is cut off")
    return message


def check_message_size(size_bytes: int) -> None:
    """Refuse a body of this size.

    Raises:
        MessageTooLarge: it is more than the limit.
    """
    if size_bytes > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"it has more than {MAX_MESSAGE_BYTES} bytes")


def check_depth(value: Any) -> None:
    """Reject a JSON value that is nested too deeply.

    Raises:
        MessageTooDeep: more than MAX_DEPTH lists or objects lie within each other.
    """
    level = list(_containers([value]))
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [inner for outer in level for inner in _containers(outer)]
    if level:
        raise MessageTooDeep(f"it is nested more than {MAX_DEPTH} deep")


def _containers(value: Any) -> Iterator[Any]:
    """The lists and objects right inside a list or an object."""
    inside = value.values() if isinstance(value, dict) else value
    return (one for one in inside if isinstance(one, list | tuple | dict))


def _refuse(name: str, body: bytes) -> bytes:
    raise ValueError(f"messages packed by {name} are not taken; zlib is")
