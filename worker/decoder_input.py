"""The bytes of one file as FFmpeg reads them; errors of the disk are told from those of the file.

PyAV prints what is raised while FFmpeg reads or seeks, and may drop it; so a seek is arithmetic
here and raises nothing, and what the disk raises is kept.
"""

import os
from collections.abc import Callable
from typing import BinaryIO

_MAX_OFFSET = (1 << 63) - 1
"""FFmpeg's offsets are of 64 bits, with a sign."""


class DecoderInput:
    """A file object for PyAV over a file whose bytes were fetched."""

    def __init__(self, file: BinaryIO, beat: Callable[[], None]) -> None:
        """Take the file, and what is called as a sign of life: nothing may come of it for long."""
        self._file = file
        self.beat = beat
        self._at = 0
        self.size_bytes = file.seek(0, os.SEEK_END)
        self.disk_error: OSError | None = None
        """What kept bytes from being read; the file's content is not to blame."""

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end of the file, nor anywhere behind it."""
        self.beat()
        body = self.read_at(self._at, size)
        self._at += len(body)
        return body

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes of any place; where FFmpeg goes on reading is not changed.

        Raises:
            OSError: of the disk.
        """
        if not 0 <= offset < self.size_bytes:
            return b""
        try:
            self._file.seek(offset)
            return self._file.read(size)
        except OSError as error:
            self.disk_error = self.disk_error or error
            raise

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go on reading elsewhere; -1, which FFmpeg takes for an error, where that cannot be."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size_bytes}.get(whence)
        if start is None or not 0 <= start + offset <= _MAX_OFFSET:
            return -1
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Where FFmpeg goes on reading."""
        return self._at
