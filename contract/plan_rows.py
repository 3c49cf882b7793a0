"""The rows of a job's plan in S3, as the producer wrote them; see producer.planning.parts."""

import gzip
import itertools
import json
import zlib
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from contract.job import AudioRef
from contract.layout import part_uri
from contract.store import ObjectDenied, ObjectMissing, ObjectStore

_READERS = 16
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError)


def read_rows(store: ObjectStore, output: str, job: str, number: int) -> list[bytes] | None:
    """The lines of one window, the first of which is not a file; None where the plan ends.

    Raises StoreError.
    """
    try:
        return gzip.decompress(store.read(part_uri(output, job, number))).splitlines()
    except ObjectMissing:
        return None


def planned_names(
    store: ObjectStore, output: str, job: str, indexes: Collection[int]
) -> Iterator[tuple[int, str]]:
    """(index, name below the output) of some files of a job, in order of their index.

    Files of windows and rows that cannot be read are left out. Raises StoreError.
    """
    left = set(indexes)

    def read(number: int) -> list[bytes] | None:
        try:
            return read_rows(store, output, job, number)
        except ObjectDenied:  # without the right to list, S3 says so of what is missing
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
    """The same of one window, in which the indexes follow each other."""
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
