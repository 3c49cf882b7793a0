"""The input that FFmpeg reads; separates disk errors from errors in the file's content.

PyAV prints exceptions raised while FFmpeg reads or seeks, and may drop them. Seeks here are
arithmetic and never raise; a disk error is stored in `disk_error`.
"""

import os
from collections.abc import Callable
from typing import Protocol

_MAX_OFFSET = (1 << 44) - 1
"""16 TiB, the largest file of ext4. Larger offsets come from damaged headers: seeking to one fails,
and FFmpeg continues at its current position."""

_BLOCK_BYTES = 1 << 20


class SeekableFile(Protocol):
    """The methods of a binary file that DecoderInput needs."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move the read position; return it."""

    def read(self, size: int, /) -> bytes:
        """Read the next bytes."""


class DecoderInput:
    """A file object for PyAV over a fetched file."""

    def __init__(self, file: SeekableFile, touch: Callable[[], None]) -> None:
        """Wrap the file; `touch` is called at every read, since frames may take long to appear."""
        self._file = file
        self.touch = touch
        self._at = 0
        self.size_bytes = file.seek(0, os.SEEK_END)
        self.disk_error: OSError | None = None
        """The first disk error; the file's content is not at fault."""

    def read(self, size: int) -> bytes:
        """Read the next bytes; none at or beyond the end of the file."""
        self.touch()
        body = self.read_at(self._at, size)
        self._at += len(body)
        return body

    def read_at(self, offset: int, size: int) -> bytes:
        """Read bytes at an offset, without moving FFmpeg's read position.

        Raises:
            OSError: the disk failed.
        """
        if not 0 <= offset < self.size_bytes:
            return b""
        try:
            self._file.seek(offset)
            return self._file.read(size)
        except OSError as error:
            self.disk_error = self.disk_error or error
            raise

    def find(self, wanted: bytes, start: int) -> int:
        """Offset of these bytes from `start` on; the size of the file if they are not there."""
        while len(body := self.read_at(start, _BLOCK_BYTES)) >= len(wanted):
            self.touch()
            if (at := body.find(wanted)) >= 0:
                return start + at
            start += len(body) - len(wanted) + 1
        return self.size_bytes

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the read position; return it, or -1 (FFmpeg's error value) if it is invalid."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size_bytes}.get(whence)
        if start is None or not 0 <= start + offset <= _MAX_OFFSET:
            return -1
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """The read position."""
        return self._at
