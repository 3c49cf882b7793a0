"""Stores in memory that record what is asked of them, and fail on demand."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import BinaryIO

from funasr_fleet.storage.base import MemoryStore, ObjectDenied, ObjectInfo, StoreError


class WatchedStore(MemoryStore):
    """Records the addresses of each kind of request, in the order in which they come."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self.reads: list[str] = []
        self.heads: list[str] = []
        self.listings: list[str] = []
        self.downloads: list[str] = []
        self.writes: list[str] = []
        """Those that did not fail."""
        self.failing_heads: dict[str, StoreError] = {}
        self.failing_reads: dict[str, Exception] = {}
        self.failing_writes: dict[str, StoreError] = {}
        self.denied: tuple[str, ...] = ()
        """Endings of addresses whose reads, heads and listings raise `error`."""
        self.error: Exception = ObjectDenied("denied")

    def read(self, uri: str) -> bytes:
        self.reads.append(uri)
        self._fail(uri, self.failing_reads.get(uri))
        return super().read(uri)

    def head(self, uri: str) -> ObjectInfo:
        self.heads.append(uri)
        self._fail(uri, self.failing_heads.get(uri))
        return super().head(uri)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        self.listings.append(prefix)
        self._fail(prefix, None)
        return super().list(prefix, after=after)

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        self.downloads.append(uri)
        return super().download(uri, into, limit_bytes)

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        if error := self.failing_writes.get(uri):
            raise error
        self.writes.append(uri)
        return super().write(uri, body, content_type)

    def _fail(self, uri: str, error: Exception | None) -> None:
        if error:
            raise error
        if self.denied and uri.endswith(self.denied):
            raise self.error

    @property
    def results_read(self) -> Sequence[str]:
        """Sorted: threads read in any order."""
        return sorted(uri for uri in self.reads if "/_jobs/" not in uri)


class CountingStore(MemoryStore):
    """Counts requests and bytes of ranges."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self.requests = 0
        self.fetched_bytes = 0
        self._lock = Lock()

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        body = super().open_range(uri, start, length)
        with self._lock:
            self.requests += 1
            self.fetched_bytes += len(body)
        return body
