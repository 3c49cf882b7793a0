"""An object in storage as a file of which only the looked-at blocks are fetched."""

import io
import os
from typing import Protocol

BLOCK_BYTES = 64 << 10
"""What is read ahead: headers are read in small pieces, and a request costs more than 64 KiB."""

MAX_HEADER_BYTES = 4 << 20
"""More is fetched of no file."""

MAX_READS = 10_000
"""More reads are granted to no file: headers take some hundred. Parsers that lost their way look
for the sound four bytes at a time, and that costs seconds of CPU in 4 MiB."""


class Ranges(Protocol):
    """What is needed of an ObjectStore to read pieces of files."""

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """See ObjectStore."""


class HeaderTooLong(Exception):
    """The header of this file costs more than it is worth: its duration stays unknown."""


class RangeFile(io.RawIOBase):
    """An object as a seekable file; what was fetched of it is kept."""

    def __init__(self, store: Ranges, uri: str, size_bytes: int) -> None:
        self.name = uri
        self.size_bytes = size_bytes
        self.fetched_bytes = 0
        self._store = store
        self._blocks: dict[int, bytes] = {}
        self._position = 0
        self._reads = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Bytes from the beginning."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move as files do, also behind the end.

        Raises:
            OSError: before the beginning.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise OSError("a place before the beginning of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """As files do: fewer bytes at the end.

        Raises:
            HeaderTooLong: when so much has been fetched or read that it is not worth it.
            StoreError: when storage fails.
        """
        self._reads += 1
        if self._reads > MAX_READS:
            raise HeaderTooLong(f"{self.name} takes more than {MAX_READS} reads")
        start = self._position
        wanted = self.size_bytes if size is None or size < 0 else start + size
        end = min(wanted, self.size_bytes)
        if end <= start:
            return b""
        first, last = start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES
        self._fetch([n for n in range(first, last + 1) if n not in self._blocks])
        body = b"".join(self._blocks[n] for n in range(first, last + 1))
        self._position = end
        return body[start - first * BLOCK_BYTES : end - first * BLOCK_BYTES]

    def _fetch(self, missing: list[int]) -> None:
        """Fetch what lies between the first and the last of these blocks with one request."""
        if not missing:
            return
        start, end = missing[0] * BLOCK_BYTES, (missing[-1] + 1) * BLOCK_BYTES
        length = min(end, self.size_bytes) - start
        if self.fetched_bytes + length > MAX_HEADER_BYTES:
            raise HeaderTooLong(f"{self.name} has more than {MAX_HEADER_BYTES} bytes of header")
        body = self._store.open_range(self.name, start, length)
        self.fetched_bytes += len(body)
        for number in range(missing[0], missing[-1] + 1):
            offset = number * BLOCK_BYTES - start
            self._blocks[number] = body[offset : offset + BLOCK_BYTES]
