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
    """Whether it is the record in `failed/`, which has only the failed files."""
    part: str
    """The name of the part; empty for a whole shard."""
    family: str
    """The same for a shard and its parts."""
    rows: list[FileRecord]


_Place = tuple[str, str, int | None]
"""The name of a file; its part; and its place in the message if its entry is invalid."""


def unindexed_failures(store: ObjectStore, output: str, job: str) -> list[FileRecord]:
    """Records of the failed files without an index.

    The failure of a file is left out if a later delivery of its shard, or of the shard that its
    shard was a part of, succeeded or has an index for it. Raises StoreError.
    """
    failed, shards = (job_uri(output, job, f"{name}/") for name in ("failed", "shards"))
    suspects = {
        one.family
        for one in _deliveries(store, failed, is_failed=True)
        if any(map(_is_unindexed, one.rows))
    }
    if not suspects:
        return []
    families = defaultdict[str, list[_Delivery]](list)
    for folder in (failed, shards):
        for one in _deliveries(store, folder, is_failed=folder == failed):
            if one.family in suspects:
                families[one.family].append(one)
    newest = (row for name in sorted(suspects) for row in _newest_rows(families[name]))
    return [row for row in newest if _is_unindexed(row)]


def _is_unindexed(row: FileRecord) -> bool:
    return row.index is None and row.outcome == "failed"


def _deliveries(store: ObjectStore, folder: str, *, is_failed: bool) -> Iterator[_Delivery]:
    for name, body in record_bodies(store, folder):
        # earlier releases wrote no header
        header = decode_header(body) or ShardHeader(shard=unquote(name), written_at=0)
        stem = stem_in(header.shard)
        yield _Delivery(
            header.written_at,
            is_failed,
            part=header.shard if stem else "",
            family=stem or stem_of_parts(header.shard),
            rows=[row for row in decode(body) if row.outcome != "cancelled"],
        )


def _newest_rows(deliveries: Iterable[_Delivery]) -> list[FileRecord]:
    """PURE: the newest rows of each file of a shard, of its own record or of its parts' records.

    A newer record of the shard replaces all rows of the names in it. That of a part, which is made
    of a valid entry, replaces the rows of earlier deliveries of the part, and of the valid entry in
    the record of the shard.
    """
    newest: dict[_Place, list[FileRecord]] = {}
    for one in sorted(deliveries, key=lambda one: (one.written_at, one.is_failed)):
        rows = defaultdict[_Place, list[FileRecord]](list)
        for row in one.rows:
            rows[row.relative, one.part, row.entry].append(row)
        names = {name for name, _, _ in rows}
        for place in [place for place in newest if place[0] in names]:
            if not one.part or place[1:] in ((one.part, None), ("", None)):
                del newest[place]
        newest |= rows
    return [row for rows in newest.values() for row in rows]
