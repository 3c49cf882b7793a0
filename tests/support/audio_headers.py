"""Headers of large files, and a store that counts what is fetched of them."""

import random
import struct
from threading import Lock

from tests.support.memory_store import MemoryStore

MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
"""MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes for 1152 samples, silent."""


class CountingStore(MemoryStore):
    """Counts requests and bytes of ranges."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self.requests = 0
        self.fetched_bytes = 0
        self._lock = Lock()

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """See ObjectStore."""
        body = super().open_range(uri, start, length)
        with self._lock:
            self.requests += 1
            self.fetched_bytes += len(body)
        return body


def wav(
    size_bytes: int,
    *,
    codec: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    claimed_bytes: int | None = None,
    samples: int | None = None,
) -> bytes:
    """One channel of zeros; claimed_bytes is what the header says when it is not the truth.

    Without `samples` there is no chunk that counts them; codec 1 is PCM, which needs none.
    """
    length = size_bytes if claimed_bytes is None else claimed_bytes
    fact = b"" if samples is None else struct.pack("<4sII", b"fact", 4, samples)
    head = struct.pack("<4sI4s", b"RIFF", min(length + 36, 0xFFFFFFFF), b"WAVE")
    speed = rate * bits // 8
    head += struct.pack("<4sIHHIIHH", b"fmt ", 16, codec, 1, rate, speed, max(bits // 8, 1), bits)
    return head + fact + struct.pack("<4sI", b"data", length) + bytes(size_bytes)


def mp3(frames: int) -> bytes:
    """So many frames of 26 ms."""
    return MP3_FRAME * frames


def mp3_of_varying_rate(frames: int) -> bytes:
    """So many frames of 26 ms, at 64 and at 128 kbit/s by chance, without a Xing header."""
    small = b"\xff\xfb\x50\x00" + bytes(204)
    chance = random.Random(0)
    return b"".join(chance.choice((small, MP3_FRAME)) for _ in range(frames))


def id3(size_bytes: int) -> bytes:
    """A tag with so many bytes behind its header."""
    return b"ID3\4\0\0" + bytes(size_bytes >> n & 0x7F for n in (21, 14, 7, 0)) + bytes(size_bytes)


def opus(seconds: int, page_bytes: int = 4_000, stream: int = 1) -> bytes:
    """An Ogg file with a page for each second."""
    begin = struct.pack("<8sBBHIHB", b"OpusHead", 1, 1, 0, 48_000, 0, 0)
    pages = [_page(stream, begin, 0, 2), _page(stream, b"OpusTags" + bytes(8), 0)]
    sound = bytes(page_bytes)
    pages += [_page(stream, sound, 48_000 * n) for n in range(1, seconds)]
    return b"".join(pages) + _page(stream, sound, 48_000 * seconds, 4)


def _page(stream: int, packet: bytes, samples: int, flags: int = 0) -> bytes:
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, samples, stream, 0, 0, len(lacing))
    return head + lacing + packet
