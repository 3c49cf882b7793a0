"""A stored object as a seekable file; only the blocks that are read are fetched."""

import io
import os
from collections.abc import Iterator
from typing import Protocol

from funasr_fleet.storage.base import ObjectInfo

BLOCK_BYTES = 64 << 10
"""Unit of fetching: headers are read in small pieces, and a request costs more than 64 KiB."""

MAX_HEADER_BYTES = 4 << 20
"""Maximum bytes fetched per file."""

MAX_READS = 10_000
"""Maximum reads per file; headers take a few hundred. A parser that has lost sync searches four
bytes at a time, which costs seconds of CPU in 4 MiB."""


class Headers(Protocol):
    """The part of ObjectStore that reading headers needs."""

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """Read a byte range; see ObjectStore.open_range."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; see ObjectStore.list."""


class HeaderTooLong(Exception):
    """Reading the header of this file exceeds a limit: its duration stays unknown."""


class RangeFile(io.RawIOBase):
    """An object as a seekable file; fetched blocks are cached."""

    def __init__(self, store: Headers, uri: str, size_bytes: int) -> None:
        self.name = uri
        self.size_bytes = size_bytes
        self.fetched_bytes = 0
        self._store = store
        self._blocks: dict[int, bytes] = {}
        self._position = 0
        self._reads = 0

    def readable(self) -> bool:
        """Always True."""
        return True

    def seekable(self) -> bool:
        """Always True."""
        return True

    def tell(self) -> int:
        """Position in bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position, as io.IOBase.seek does; it may be beyond the end.

        Raises:
            OSError: the new position would be negative.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise OSError("negative seek position")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read up to `size` bytes, fewer at the end of the file; all the rest by default.

        Raises:
            HeaderTooLong: MAX_READS or MAX_HEADER_BYTES is exceeded.
            StoreError: a storage request failed.
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
        """Fetch all blocks from the first to the last of these with one request."""
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
