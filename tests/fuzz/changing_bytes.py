"""Mutations of real audio files: flipped bits, cuts, splices and edited headers."""

import functools
import random
import struct

from funasr_fleet.embedded.samples import SAMPLES
from tests.support.audio import encode, tone

_HEADER_BYTES = 400
"""Bytes of the header in most formats."""

_MADE = (
    *(
        ("wav", "pcm_s16le", 16_000, 2),
        ("flac", "flac", 16_000, 1),
        ("mp3", "libmp3lame", 16_000, 1),
    ),
    *(("ogg", "libopus", 48_000, 1), ("ipod", "aac", 16_000, 2), ("webm", "libopus", 48_000, 1)),
    *(
        ("mov", "pcm_s16le", 8_000, 1),
        ("aiff", "pcm_s16be", 8_000, 1),
        ("caf", "pcm_s16le", 8_000, 1),
    ),
    *(("adts", "aac", 16_000, 1), ("ac3", "ac3", 48_000, 1), ("mpegts", "mp2", 16_000, 1)),
    *(("avi", "pcm_s16le", 8_000, 1), ("flv", "aac", 44_100, 1), ("wv", "wavpack", 16_000, 1)),
    *(
        ("asf", "mp2", 16_000, 1),
        ("matroska", "flac", 16_000, 1),
        ("wav", "adpcm_ima_wav", 8_000, 1),
    ),
    *(("wav", "pcm_f32le", 8_000, 6), ("ogg", "flac", 16_000, 1), ("tta", "tta", 16_000, 1)),
)
_MAIN = 6
"""The first formats and the samples are used for four of five inputs."""

_SIZES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@functools.cache
def originals() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Small undamaged files: those of the main formats, and of all others."""
    made = [
        encode(tone(0.4, rate=rate, channels=channels), container, codec, rate)
        for container, codec, rate, channels in _MADE
    ]
    names = ("order-numbers.flac", "reading.ogg", "pin-code.wav", "\u7535\u8bdd\u53f7\u7801.m4a")
    samples = [(SAMPLES / name).read_bytes()[:24_000] for name in names]
    return (*made[:_MAIN], *samples), tuple(made[_MAIN:])


def changed_file(random_: random.Random) -> bytes:
    """One of the originals after one to six changes."""
    main, others = originals()
    body = bytearray(random_.choice(main if random_.random() < 0.8 else others))
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        body = random_.choice(_CHANGES)(body, random_)
    return bytes(body)


def _flipped(body: bytearray, random_: random.Random) -> bytearray:
    for _ in range(random_.choice((1, 1, 4, 16, 64))):
        if body:
            body[random_.randrange(len(body))] ^= 1 << random_.randrange(8)
    return body


def _overwritten(body: bytearray, random_: random.Random) -> bytearray:
    at = random_.randrange(len(body) + 1)
    size = random_.choice((1, 2, 4, 8, 100, 2000))
    filling = random_.choice((b"\0", b"\xff", random_.randbytes(1)))
    noise = random_.randbytes(size) if random_.random() < 0.5 else filling * size
    body[at : at + size] = noise
    return body


def _header_edited(body: bytearray, random_: random.Random) -> bytearray:
    """Replace numbers in the header, or at the end of an MP4, with extreme values."""
    for _ in range(random_.choice((1, 1, 2, 5))):
        end = random_.random() < 0.25
        at = random_.randrange(min(len(body), _HEADER_BYTES) + 1)
        at = max(0, len(body) - 4 - 2 * at) if end else at
        form = random_.choice(("<I", ">I", "<H", ">H", "B", ">Q"))
        number = random_.choice(_SIZES) & ((1 << 8 * struct.calcsize(form)) - 1)
        packed = struct.pack(form, number)
        body[at : at + len(packed)] = packed
    return body


def _cut(body: bytearray, random_: random.Random) -> bytearray:
    at = random_.randrange(len(body) + 1)
    return body[:at] if random_.random() < 0.7 else body[at:]


def _without_a_part(body: bytearray, random_: random.Random) -> bytearray:
    at = random_.randrange(len(body) + 1)
    del body[at : at + random_.choice((1, 3, 8, 100, 3000))]
    return body


def _repeated(body: bytearray, random_: random.Random) -> bytearray:
    at = random_.randrange(len(body) + 1)
    part = body[at : at + random_.choice((4, 64, 1000))]
    return body[:at] + part * random_.choice((1, 2, 20)) + body[at:]


def _spliced(body: bytearray, random_: random.Random) -> bytearray:
    main, others = originals()
    other = random_.choice((*main, *others))
    at, there = random_.randrange(len(body) + 1), random_.randrange(len(other))
    return body[:at] + other[there : there + random_.choice((8, 200, 20_000))] + body[at:][:20_000]


_CHANGES = (
    *(_flipped, _flipped, _overwritten, _header_edited, _header_edited, _header_edited),
    *(_cut, _without_a_part, _repeated, _spliced),
)
