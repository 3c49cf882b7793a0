"""Failed files without an index, which the ledger does not count: found in the records of shards.

A shard that crashed its worker is split into parts, one per file. The records of a shard and of its
parts are compared by the time at which they were written: the newest record of a file counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_record import (
    FileRecord,
    ShardHeader,
    decode,
    decode_header,
    stem_in,
    stem_of_parts,
)
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.job_documents import record_bodies


class _Delivery(NamedTuple):
    """The record of one delivery of a shard or of a part."""

    written_at: float
    is_failed: bool
    """Whether it has only the failed files: the record in `failed/`."""
    part: str
    """The name of the part; empty for a whole shard."""
    family: str
    """The same for a shard and its parts."""
    rows: dict[str, list[FileRecord]]
    """By the names of the files."""


def unindexed_failures(store: ObjectStore, output: str, job: str) -> list[FileRecord]:
    """Records of the failed files without an index.

    The failure of a file is left out if a later delivery of its shard, or of the shard that its
    shard was a part of, succeeded or has an index for it. Raises StoreError.
    """
    failed = [*_deliveries(store, job_uri(output, job, "failed/"), is_failed=True)]
    suspects = {one.family for one in failed if any(map(_is_unindexed, _all_rows(one)))}
    if not suspects:
        return []
    families = defaultdict[str, list[_Delivery]](list)
    every = _deliveries(store, job_uri(output, job, "shards/"), is_failed=False)
    for one in (*failed, *(one for one in every if one.family in suspects)):
        families[one.family].append(one)
    newest = (row for name in sorted(suspects) for row in _newest_rows(families[name]))
    return [row for row in newest if _is_unindexed(row)]


def _is_unindexed(row: FileRecord) -> bool:
    return row.index is None and row.outcome == "failed"


def _all_rows(delivery: _Delivery) -> Iterator[FileRecord]:
    return (row for rows in delivery.rows.values() for row in rows)


def _deliveries(store: ObjectStore, folder: str, *, is_failed: bool) -> Iterator[_Delivery]:
    for name, body in record_bodies(store, folder):
        # earlier releases wrote no header
        header = decode_header(body) or ShardHeader(shard=unquote(name), written_at=0)
        stem, rows = stem_in(header.shard), defaultdict[str, list[FileRecord]](list)
        for row in decode(body):
            if row.outcome != "cancelled":
                rows[row.relative].append(row)
        yield _Delivery(
            header.written_at,
            is_failed,
            part=header.shard if stem else "",
            family=stem or stem_of_parts(header.shard),
            rows=rows,
        )


def _newest_rows(deliveries: Iterable[_Delivery]) -> list[FileRecord]:
    """PURE: the newest rows of each file of a shard, of its own record or of its parts' records."""
    newest: dict[tuple[str, str], list[FileRecord]] = {}
    for one in sorted(deliveries, key=lambda one: (one.written_at, one.is_failed)):
        if not one.part and not one.is_failed:  # it has every file of the shard
            newest.clear()
        for name, rows in one.rows.items():
            replaced = [key for key in newest if key[0] == name and not (one.part and key[1])]
            for key in replaced:
                del newest[key]
            newest[name, one.part] = rows
    return [row for rows in newest.values() for row in rows]
