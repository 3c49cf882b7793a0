"""AMR files joined by `cat`: the headers between them are hidden from FFmpeg.

FFmpeg, also the `ffmpeg` command, takes such a header for a frame. It then looks for the next frame
at the wrong place, and decodes about 0.3 s of noise until it is back in step.
"""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput, SeekableFile

_HEADERS = (b"#!AMR\n", b"#!AMR-WB\n")
_BLOCK_BYTES = 1 << 20


def without_inner_headers(file: SeekableFile, source: DecoderInput) -> SeekableFile:
    """The file without the headers of joined parts; the file itself if there are none.

    A part in the other of the two formats keeps its header; FFmpeg decodes that part as noise.

    Args:
        file: the fetched file.
        source: the same file, to read it.

    Raises:
        OSError: the disk failed.
    """
    head = source.read_at(0, max(map(len, _HEADERS)))
    header = next((one for one in _HEADERS if head.startswith(one)), None)
    if not header:
        return file
    found = list(_offsets(source, header))
    return _Joined(file, source.size_bytes, found, len(header)) if found else file


def _offsets(source: DecoderInput, header: bytes) -> Iterator[int]:
    """Offsets of a header in a file, except that at its start."""
    start = 1
    while body := source.read_at(start, _BLOCK_BYTES):
        source.touch()
        at = body.find(header)
        while at >= 0:
            yield start + at
            at = body.find(header, at + 1)
        start += max(1, len(body) - len(header) + 1)


class _Joined:
    """A view of a file without some ranges of bytes, all of the same length."""

    def __init__(
        self, file: SeekableFile, size_bytes: int, hidden: Sequence[int], hidden_bytes: int
    ) -> None:
        self._file = file
        self._begins = [0, *(at + hidden_bytes for at in hidden)]
        """Offsets in the file of the parts that are visible."""
        sizes = [
            end - begin for begin, end in zip(self._begins, [*hidden, size_bytes], strict=True)
        ]
        self._ends = list(accumulate(sizes))
        """Offsets in the view of the ends of these parts."""
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the read position; return it."""
        self._at = offset + (self._ends[-1] if whence == os.SEEK_END else 0)
        return self._at

    def read(self, size: int, /) -> bytes:
        """Read the next bytes; fewer than `size` only at the end."""
        body = bytearray()
        while len(body) < size and self._at < self._ends[-1]:
            part = bisect_right(self._ends, self._at)
            left = self._ends[part] - self._at
            self._file.seek(self._begins[part] + self._size(part) - left)
            read = self._file.read(min(left, size - len(body)))
            if not read:
                break
            body += read
            self._at += len(read)
        return bytes(body)

    def _size(self, part: int) -> int:
        return self._ends[part] - (self._ends[part - 1] if part else 0)
