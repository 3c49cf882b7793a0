"""Hostile headers of many containers: extreme numbers, empty chunks, deep nesting, small bodies."""

import functools
import random
import struct
from collections.abc import Callable

from tests.support.audio import encode, tone

_MADE = (
    *(("wav", "pcm_s16le", 16_000), ("wav", "adpcm_ima_wav", 8_000), ("w64", "pcm_s16le", 8_000)),
    *(("au", "pcm_s16be", 8_000), ("caf", "pcm_s16le", 8_000), ("aiff", "pcm_s16be", 8_000)),
    *(("flac", "flac", 16_000), ("mp3", "libmp3lame", 16_000), ("adts", "aac", 16_000)),
    *(("ogg", "libopus", 48_000), ("ogg", "flac", 16_000), ("ipod", "aac", 16_000)),
    *(("mov", "pcm_s16le", 8_000), ("matroska", "flac", 16_000), ("webm", "libopus", 48_000)),
    *(("asf", "mp2", 16_000), ("avi", "pcm_s16le", 8_000), ("flv", "aac", 44_100)),
    *(("mpegts", "mp2", 16_000), ("wv", "wavpack", 16_000), ("tta", "tta", 16_000)),
    *(("voc", "pcm_u8", 8_000), ("sox", "pcm_s32le", 8_000), ("nut", "pcm_s16le", 8_000)),
)
"""Container, codec and sample rate in Hz."""
_HEAD_BYTES = 600
_MAX_BYTES = 12_000
_NUMBERS = (
    *(0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 999, 1000, 1001, 0x7FFF, 0x8000, 0xFFFF),
    *(383_999, 384_001, 2_822_399, 2_822_401, 249_999_991, 250_000_007),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
)
"""Extremes, and primes near the limits of the sample rate."""
_FLOATS = (0.0, 0.5, -1.0, 1e300, 250_000_007.0, float("inf"), float("nan"))
_FORMS = ("<I", ">I", "<I", ">I", "<H", ">H", "B", "<Q", ">Q")
_EMPTY = (
    *(b"JUNK\0\0\0\0", b"LIST\4\0\0\0INFO", b"data\0\0\0\0", b"fmt \0\0\0\0"),
    *(b"\0\0\0\x08free", b"\0\0\0\x08moov", b"\0\0\0\x01free\0\0\0\0\0\0\0\x10"),
    *(b"\xec\x80", b"\xa3\x80", b"OggS\0" + bytes(22), b"ID3\4\0\0\0\0\0\0", b"FORM\0\0\0\0"),
)
"""Empty chunks of RIFF and AIFF, boxes of MP4, elements of Matroska, pages, tags."""
_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"wave")
_ELEMENTS = (b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe1", b"\x11\x4d\x9b\x74")

Change = Callable[[bytearray, random.Random], bytearray]


@functools.cache
def originals() -> tuple[bytes, ...]:
    """An undamaged file of a fifth of a second for each container."""
    made = [encode(tone(0.2, rate=rate), kind, codec, rate) for kind, codec, rate in _MADE]
    rf64 = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, 3272, 3200, 1600, 0)
    amr = b"#!AMR\n" + (b"\x04" + bytes(12)) * 10
    return (*made, rf64 + made[0][12:], amr)


def hostile_head(random_: random.Random) -> bytes:
    """One of the originals with one to eight changes in its header."""
    body = bytearray(random_.choice(originals())[:_MAX_BYTES])
    for _ in range(random_.choice((1, 1, 2, 3, 8))):
        body = random_.choice(_CHANGES)(body, random_)
    return bytes(body)


def _place(body: bytearray, random_: random.Random) -> int:
    return random_.randrange(min(len(body), _HEAD_BYTES) + 1)


def _number(body: bytearray, random_: random.Random) -> bytearray:
    form = random_.choice(_FORMS)
    most = (1 << 8 * struct.calcsize(form)) - 1
    packed = struct.pack(form, random_.choice(_NUMBERS) & most)
    return _overwritten(body, packed, _place(body, random_))


def _float(body: bytearray, random_: random.Random) -> bytearray:
    packed = struct.pack(random_.choice(("<d", ">d")), random_.choice(_FLOATS))
    return _overwritten(body, packed, _place(body, random_))


def _overwritten(body: bytearray, packed: bytes, at: int) -> bytearray:
    body[at : at + len(packed)] = packed
    return body


def _many_empty(body: bytearray, random_: random.Random) -> bytearray:
    """Many empty chunks, boxes, elements or pages in the header."""
    at, count = _place(body, random_), random_.choice((2, 100, 5_000, 50_000))
    body[at:at] = random_.choice(_EMPTY) * count
    return body


def _nested_boxes(body: bytearray, random_: random.Random) -> bytearray:
    """Boxes of MP4 in one another, instead of the rest of the file."""
    depth, box = random_.choice((10, 1_000, 20_000)), random_.choice(_BOXES)
    sizes = range(8 * depth, 0, -8)
    del body[_place(body, random_) :]
    return body + b"".join(struct.pack(">I", size) + box for size in sizes)


def _nested_elements(body: bytearray, random_: random.Random) -> bytearray:
    """Elements of Matroska of unknown size in one another, instead of the rest of the file."""
    element = random_.choice(_ELEMENTS) + b"\x01" + b"\xff" * 7
    del body[_place(body, random_) :]
    return body + element * random_.choice((10, 1_000, 20_000))


def _cut(body: bytearray, random_: random.Random) -> bytearray:
    return body[: _place(body, random_) + 8]


_CHANGES: tuple[Change, ...] = (
    *(_number, _number, _number, _number, _number, _float),
    *(_many_empty, _nested_boxes, _nested_elements, _cut),
)
