"""Which results are there, and which of them need not be read to know what they carry.

One listing says what is there. The records that workers left at the end of each shard say which
fingerprint a result carries; a row counts only for the very result it was written for, that is
while the listing shows the same ETag. So no result is read that has a record, and the memory
needed is the same for ten files and for ten million.
"""

import contextlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from contract.layout import JOBS_FOLDER
from contract.shard_record import FileRecord, decode
from contract.store import ObjectDenied, ObjectInfo, ObjectMissing, ObjectStore
from producer.planning.seen import SeenOnDisk
from producer.sources.parallel_listing import ParallelListing

_RESULT = ".json"
_REPORT = ".error.json"
_SHARD_RECORD = re.compile(r"[^/]+/shards/[^/]+\.jsonl")
"""Behind _jobs/: <job>/shards/<shard>.jsonl"""
_READERS = 16
_AHEAD_RECORDS = 64
_AHEAD_BYTES = 32 << 20
"""What records may wait to be looked at."""
_LARGEST_BYTES = 64 << 20
"""A shard has 10,000 files at most; what is larger is no record of ours."""


class Evidence:
    """What a listing and records say about the results below one output prefix.

    Hashes are kept, on disk. That one of 10 million files is wrongly taken for done has a chance
    of about 1 in 100,000.
    """

    def __init__(self) -> None:
        self._listed = SeenOnDisk(value_bytes=0)
        """Of each .json its name, and its name with its ETag."""
        self._told = SeenOnDisk(value_bytes=0)
        """Of each row that holds its name, and its name with its fingerprint."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk space back."""
        self._listed.close()
        self._told.close()

    def gather(self, store: ObjectStore, output: str) -> None:
        """List the outputs, then read the records of all jobs that wrote there.

        What may not be listed or read proves nothing, which is no error.

        Raises:
            StoreError: storage fails, or there is no such bucket.
            TemporaryDiskFull: the hashes cannot be kept.
        """
        with contextlib.suppress(ObjectDenied):
            for found in ParallelListing(store=store).list(output):
                self.note_object(found.uri.removeprefix(output), found.etag)
            if len(self._listed):
                for body in _read_ahead(store, _records(store, output)):
                    for row in decode(body):
                        self.note_row(row)

    def note_object(self, name: str, etag: str) -> None:
        """An object is there, named so below the output prefix."""
        if name.endswith(_RESULT) and not name.startswith(JOBS_FOLDER):
            self._listed.add(hash(name))
            self._listed.add(hash((name, etag)))

    def note_row(self, row: FileRecord) -> None:
        """A worker says what a result carries."""
        if row.etag is None or row.fingerprint is None:
            return
        if self._listed.get(hash((row.relative + _RESULT, row.etag))) is not None:
            self._told.add(hash(row.relative))
            self._told.add(hash((row.relative, row.fingerprint)))

    def has_result(self, relative: str) -> bool:
        """Whether the file has a result, whatever it carries."""
        return self._listed.get(hash(relative + _RESULT)) is not None

    def has_report(self, relative: str) -> bool:
        """Whether the file failed for good once."""
        return self._listed.get(hash(relative + _REPORT)) is not None

    def is_told(self, relative: str) -> bool:
        """Whether a record says what the file's result carries."""
        return self._told.get(hash(relative)) is not None

    def proves(self, relative: str, fingerprint: str) -> bool:
        """Whether a record says that the file's result carries the fingerprint."""
        return self._told.get(hash((relative, fingerprint))) is not None


def _records(store: ObjectStore, output: str) -> Iterator[ObjectInfo]:
    """<output>_jobs/<job>/shards/<shard>.jsonl of all jobs."""
    folder = output + JOBS_FOLDER
    for found in ParallelListing(store=store).list(folder):
        if _SHARD_RECORD.fullmatch(found.uri, len(folder)) and found.size_bytes <= _LARGEST_BYTES:
            yield found


def _read_ahead(store: ObjectStore, objects: Iterable[ObjectInfo]) -> Iterator[bytes]:
    """The objects' bytes in order, some of them read ahead in threads."""
    coming: deque[tuple[int, Future[bytes]]] = deque()
    ahead_bytes = 0
    with ThreadPoolExecutor(_READERS, "record") as readers:
        try:
            for found in objects:
                coming.append((found.size_bytes, readers.submit(_read, store, found.uri)))
                ahead_bytes += found.size_bytes
                while len(coming) > _AHEAD_RECORDS or (
                    ahead_bytes > _AHEAD_BYTES and len(coming) > 1
                ):
                    size_bytes, reading = coming.popleft()
                    ahead_bytes -= size_bytes
                    yield reading.result()
            while coming:
                yield coming.popleft()[1].result()
        finally:
            readers.shutdown(wait=False, cancel_futures=True)


def _read(store: ObjectStore, uri: str) -> bytes:
    try:
        return store.read(uri)
    except (ObjectMissing, ObjectDenied):
        return b""  # its results are read instead
