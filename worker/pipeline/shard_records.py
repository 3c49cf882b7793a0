"""Writes the records of a shard's files to S3."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import failed_record_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError, decode, encode
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore

_CONTENT_TYPE = "application/x-ndjson"


@dataclass(frozen=True)
class ShardRecords:
    """The records of one shard of a job. Every method raises StoreError."""

    store: ObjectStore
    shard: Shard
    job: str

    def write(self, new: Mapping[str, FileRecord]) -> None:
        """Write a record per file; for a skipped file, keep the record of an earlier delivery.

        Args:
            new: the records by relative name.
        """
        if not new:
            return
        uri = shard_record_uri(self.shard.output, self.job, self.shard.shard)
        records = dict(new)
        if any(one.outcome == "skipped" for one in records.values()):
            with contextlib.suppress(ObjectMissing, ObjectDenied):
                for before in decode(self.store.read(uri)):
                    if before.relative in records and records[before.relative].outcome == "skipped":
                        records[before.relative] = before
        self._write_failed([one for one in records.values() if one.outcome == "failed"])
        self.store.write(uri, encode(records.values()), _CONTENT_TYPE)

    def write_failed(self, failed: Sequence[AudioRef], error: RecordedError) -> None:
        """Write a record with this error for each file of a dead-lettered shard that failed."""
        self._write_failed(
            [
                FileRecord(index=ref.index, relative=ref.relative, outcome="failed", error=error)
                for ref in failed
            ]
        )

    def _write_failed(self, failed: Sequence[FileRecord]) -> None:
        if failed:
            uri = failed_record_uri(self.shard.output, self.job, self.shard.shard)
            self.store.write(uri, encode(failed), _CONTENT_TYPE)
