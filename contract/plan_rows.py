"""The rows of a job's plan in S3, as the producer wrote them; see producer.planning.parts."""

import gzip
import json
from collections.abc import Collection, Iterator
from typing import Any

from contract.job import AudioRef
from contract.layout import part_uri
from contract.store import ObjectDenied, ObjectMissing, ObjectStore


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
    """(index, name below the output) of some files of the job, as far as its plan has them.

    The indexes of a window follow each other. Raises StoreError.
    """
    left, number = set(indexes), 0
    while left and (lines := _readable_rows(store, output, job, number)):
        rows = lines[1:]
        first = _row(rows[0])["index"] if rows else 0
        for index in sorted(left.intersection(range(first, first + len(rows)))):
            yield index, AudioRef.model_validate(_row(rows[index - first])).relative
            left.discard(index)
        number += 1


def _readable_rows(store: ObjectStore, output: str, job: str, number: int) -> list[bytes] | None:
    try:
        return read_rows(store, output, job, number)
    except ObjectDenied:  # without the right to list, S3 says so of what is missing
        return None


def _row(line: bytes) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)["row"]
    return row
