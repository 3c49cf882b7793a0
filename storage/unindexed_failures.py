"""Failed files without an index, which the ledger does not count: found in the records of shards.

A shard that crashed its worker is split into parts, one per file. A file is identified by its name
in the records of its shard and of the parts of its shard, and its newest outcome counts.
"""

from collections.abc import Iterator
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

_File = tuple[str, str, int | None]
"""What a shard and its parts have in common; the name; the place of an entry without a name."""


def unindexed_failures(store: ObjectStore, output: str, job: str) -> list[FileRecord]:
    """Records of the failed files without an index.

    The failure of a file is left out if the file succeeded or got an index later, in another
    delivery of its shard, of a part of it, or of the shard that its shard was a part of. Raises
    StoreError.
    """
    failed, shards = (job_uri(output, job, f"{name}/") for name in ("failed", "shards"))
    failures: dict[_File, FileRecord] = {}
    for file, row in _rows(store, failed):
        if row.index is None and row.outcome == "failed":
            failures[file] = max(row, failures.get(file, row), key=lambda one: one.at)
    for folder in (failed, shards) if failures else ():
        for file, row in _rows(store, folder):
            is_repaired = row.index is not None or row.outcome not in ("failed", "cancelled")
            if is_repaired and file in failures and row.at > failures[file].at:
                del failures[file]
    return [*failures.values()]


def _rows(store: ObjectStore, folder: str) -> Iterator[tuple[_File, FileRecord]]:
    for name, body in record_bodies(store, folder):
        # earlier releases wrote no header
        header = decode_header(body) or ShardHeader(shard=unquote(name))
        family = stem_in(header.shard) or stem_of_parts(header.shard)
        for row in decode(body):
            yield (family, row.relative, row.entry), row
