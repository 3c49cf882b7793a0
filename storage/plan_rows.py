"""Reads the rows of a job's plan from S3; producer.planning.parts writes them."""

import gzip
import itertools
import json
import zlib
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import part_uri
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore

_READERS = 16
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError)


def read_rows(store: ObjectStore, output: str, job: str, number: int) -> list[bytes] | None:
    """The lines of one window, the first of which is a cursor; None beyond the end of the plan.

    Raises StoreError.
    """
    try:
        return gzip.decompress(store.read(part_uri(output, job, number))).splitlines()
    except ObjectMissing:
        return None


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
        except _DAMAGE:
            return []

    with ThreadPoolExecutor(_READERS, "plan") as readers:
        for first in itertools.count(0, _READERS):
            for lines in readers.map(read, range(first, first + _READERS)):
                if lines is None or not left:
                    return
                for index, name in _names(lines[1:], left):
                    left.discard(index)
                    yield index, name


def _names(rows: list[bytes], wanted: Collection[int]) -> Iterator[tuple[int, str]]:
    """(index, relative name) of the wanted files of one window, whose indexes are consecutive."""
    try:
        first: int = json.loads(rows[0])["row"]["index"] if rows else 0
    except _DAMAGE:
        return
    for index in range(first, first + len(rows)):
        if index in wanted:
            try:
                row = json.loads(rows[index - first])["row"]
                yield index, AudioRef.model_validate(row).relative
            except _DAMAGE:
                continue
