"""Reads file headers: from stored objects by byte range, or from local files before any upload."""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from funasr_fleet.producer.discovery.folder import open_below, unusable, walk
from funasr_fleet.producer.discovery.interface import Filters, Found
from funasr_fleet.producer.discovery.s3_prefix import to_ref
from funasr_fleet.storage.base import ObjectInfo

BLOCK_BYTES = 64 << 10
"""Unit of fetching: parsers read small pieces, and a request costs more than 64 KiB of data."""

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
            raise HeaderTooLong(f"the header of {self.name} takes more than {MAX_READS} reads")
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


@dataclass(frozen=True, kw_only=True)
class LocalFolderPreview:
    """A Source; its references equal those after an upload, except for the ETag."""

    folder: Path
    upload: str
    """s3://bucket/prefix/ that the files would be uploaded to."""
    wanted: Filters

    def after(self, position: str) -> Iterator[Found]:
        """The items after a position; see Source.after."""
        for file in walk(self.folder, after=position):
            if not self.wanted.is_recent(file.modified):
                continue
            info = ObjectInfo(uri=self.upload + file.name, etag="", size_bytes=file.size_bytes)
            yield Found(file.name, unusable(file, self.wanted) or to_ref(info, file.name))


def preview_folder(text: str, upload: str | None, wanted: Filters) -> LocalFolderPreview | None:
    """A preview of a source that is a folder; None for other sources and without `upload`."""
    if upload is None or not os.path.isdir(text):  # Path.is_dir raises if a name is too long
        return None
    return LocalFolderPreview(folder=Path(text), upload=upload, wanted=wanted)


class LocalOrStoredHeaders:
    """Reads headers of files in the local folders from disk, and all others from S3."""

    def __init__(self, store: Headers, folders: Sequence[LocalFolderPreview]) -> None:
        self._store = store
        self._folders = folders

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """Read a byte range; see ObjectStore.open_range."""
        for one in self._folders:
            if uri.startswith(one.upload):
                # a manifest may name other objects below the prefix of the upload
                with (
                    contextlib.suppress(OSError),
                    open_below(one.folder, uri.removeprefix(one.upload)) as file,
                ):
                    file.seek(start)
                    return file.read(length)
        return self._store.open_range(uri, start, length)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; see ObjectStore.list."""
        return self._store.list(prefix)
