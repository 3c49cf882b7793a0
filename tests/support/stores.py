"""Stores that record requests, fail on demand, or are read in process; stored results."""

import json
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Any, BinaryIO

from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint, output_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, encode
from funasr_fleet.producer.dedup.up_to_date import UpToDateCheck
from funasr_fleet.storage.base import ObjectDenied, ObjectInfo, StoreError
from funasr_fleet.storage.s3 import S3Store
from tests.support.examples import OUTPUT
from tests.support.memory_store import MemoryStore


class InProcessStore(S3Store):
    """An S3 store with which `enqueue` plans in its own process; only S3Store uses a subprocess."""


class WatchedStore(MemoryStore):
    """Records the addresses of each kind of request, in order."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self.reads: list[str] = []
        self.heads: list[str] = []
        self.listings: list[str] = []
        self.downloads: list[str] = []
        self.writes: list[str] = []
        """Successful requests."""
        self.failing_heads: dict[str, StoreError] = {}
        self.failing_reads: dict[str, Exception] = {}
        self.failing_writes: dict[str, StoreError] = {}
        self.denied: tuple[str, ...] = ()
        """Suffixes of addresses whose reads, heads and listings raise `error`."""
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


MODEL = "sha256:m"
"""Model revision of the results below."""


def finish(
    store: MemoryStore, ref: AudioRef, etag: str | None = None, model: str = MODEL
) -> FileRecord:
    """Write a worker's result of the audio, and return its record."""
    mark = fingerprint(ref, etag or ref.etag or "", model, Options().overlaid(ref))
    body = json.dumps({"receipt": {"fingerprint": mark, "model_revision": model}}).encode()
    written = store.write(output_uri(OUTPUT, ref.relative, "json"), body, "application/json")
    return FileRecord(relative=ref.relative, outcome="ok", etag=written, fingerprint=mark)


def put_on_record(store: MemoryStore, rows: Iterable[FileRecord], shard: str = "night-0") -> None:
    store.write(shard_record_uri(OUTPUT, "night", shard), encode(rows), "application/x-ndjson")


def done(
    store: MemoryStore, refs: list[AudioRef], model: str | None = MODEL, **options: Any
) -> list[bool]:
    """The files that have an up-to-date result."""
    wanted = Options.model_validate(options)
    with UpToDateCheck(store=store, output=OUTPUT, options=wanted, model_revision=model) as check:
        marks = list(check.flag(refs))
    assert [ref for ref, _ in marks] == refs
    return [is_done for _, is_done in marks]
