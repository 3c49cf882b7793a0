"""Reads a job's documents from S3: the rows of its plan, and the records of its shards."""

import contextlib
import gzip
import io
import itertools
import json
import zlib
from collections.abc import Collection, Iterator
from operator import attrgetter

from funasr_fleet.contract.job import MAX_INDEX, AudioRef
from funasr_fleet.contract.layout import part_uri
from funasr_fleet.contract.shard_record import FileRecord, decode
from funasr_fleet.storage.base import (
    DocumentTooLarge,
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    ObjectStore,
)
from funasr_fleet.storage.map_ahead import map_ahead

_READERS = 16
_PART_READERS = 4
"""Fewer, because each may hold MAX_PART_BYTES."""
_AHEAD = 256
"""Shard records that are read ahead."""
_AHEAD_BYTES = 64 << 20
"""Maximum total size of the records that are read ahead."""
LARGEST_RECORD_BYTES = 64 << 20
"""A larger object is not a record: a file takes a few hundred bytes of a record."""
MAX_PART_BYTES = 1 << 30
"""Decompressed size of a part of a plan: 100 KB for each of its 10,000 files."""
MAX_PART_LINES = 10_001
"""Lines of a part of a plan: one for each of its files, and one before them."""
DAMAGE = (
    *(EOFError, zlib.error, gzip.BadGzipFile, ValueError, LookupError, TypeError, AttributeError),
    RecursionError,  # JSON that is nested too deeply
)
"""Errors of reading a document that is not what this project wrote."""


def read_rows(store: ObjectStore, output: str, job: str, number: int) -> list[bytes] | None:
    """The lines of one window as producer.planning.parts writes them; None beyond the plan's end.

    Raises StoreError, or one of DAMAGE if it is not such a document or is too large.
    """
    try:
        packed = store.read(part_uri(output, job, number))
    except ObjectMissing:
        return None
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        body = file.read(MAX_PART_BYTES + 1)
    if len(body) > MAX_PART_BYTES:
        raise ValueError(f"it has more than {MAX_PART_BYTES} bytes")
    if body.count(b"\n") + body.count(b"\r") > MAX_PART_LINES:
        raise ValueError(f"it has more than {MAX_PART_LINES} lines")
    return body.splitlines()


def planned_names(
    store: ObjectStore, output: str, job: str, indexes: Collection[int]
) -> Iterator[tuple[int, str]]:
    """(index, relative name) of the given files of a job, in index order.

    Files in unreadable windows or rows are left out. Raises StoreError.
    """
    left = set(indexes)

    def read(number: int) -> list[bytes] | None:
        try:
            return read_rows(store, output, job, number)
        except ObjectDenied:  # S3's answer for a missing object without permission to list
            return None
        except DAMAGE:
            return []

    for lines in map_ahead(read, itertools.count(), threads=_PART_READERS, ahead=_PART_READERS):
        if lines is None or not left:
            return
        for index, name in _names(lines[1:], left):
            left.discard(index)
            yield index, name


def _names(rows: list[bytes], wanted: Collection[int]) -> Iterator[tuple[int, str]]:
    """(index, relative name) of the wanted files of one window, whose indexes are consecutive."""
    try:
        first = json.loads(rows[0])["row"]["index"] if rows else 0
    except DAMAGE:
        return
    if type(first) is not int or not 0 <= first <= MAX_INDEX:
        return
    for index in range(first, first + len(rows)):
        if index in wanted:
            try:
                row = json.loads(rows[index - first])["row"]
                yield index, AudioRef.model_validate(row).relative
            except DAMAGE:
                continue


def read_records(store: ObjectStore, folder: str) -> Iterator[FileRecord]:
    """Every row of the shard records below a prefix, in key order. Raises StoreError."""

    def read(record: ObjectInfo) -> bytes:
        with contextlib.suppress(DocumentTooLarge):  # it has grown since it was listed
            return store.read(record.uri)
        return b""

    found = (one for one in store.list(folder) if one.size_bytes <= LARGEST_RECORD_BYTES)
    bodies = map_ahead(
        read,
        found,
        threads=_READERS,
        ahead=_AHEAD,
        size_of=attrgetter("size_bytes"),
        ahead_bytes=_AHEAD_BYTES,
    )
    for body in bodies:
        yield from decode(body)
