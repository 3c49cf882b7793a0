"""Writes the records of a shard's files to S3."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import failed_record_uri, shard_record_uri
from funasr_fleet.contract.shard_record import (
    FileRecord,
    RecordedError,
    ShardHeader,
    decode,
    encode,
)
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore

_CONTENT_TYPE = "application/x-ndjson"


@dataclass(frozen=True)
class ShardRecords:
    """The records of one shard of a job. Every method raises StoreError."""

    store: ObjectStore
    shard: Shard
    job: str

    def write(self, new: Sequence[FileRecord]) -> None:
        """Write a record per file; for a skipped file, keep the record of an earlier success."""
        if not new:
            return
        records = new
        if any(one.outcome == "skipped" for one in new):
            before = {_key(one): one for one in self._read(self._uri) if one.outcome != "failed"}
            records = [
                before.get(_key(one), one) if one.outcome == "skipped" else one for one in new
            ]
        self._write_failed([one for one in records if one.outcome == "failed"], records)
        self._write(self._uri, records)

    def write_failed(
        self,
        failed: Sequence[AudioRef],
        error: RecordedError,
        others: Sequence[FileRecord] = (),
    ) -> None:
        """Write the records of a dead-lettered shard.

        Args:
            failed: files that failed with the shard; each gets a record with `error`.
            error: why the shard is a dead letter.
            others: records of its invalid entries, which are added to those of an earlier delivery.
        """
        at = time.time()
        own = [
            FileRecord(index=one.index, relative=one.relative, outcome="failed", error=error, at=at)
            for one in failed
        ]
        rows = [*own, *others]
        self._write_failed(rows, rows)
        if others:
            replaced = set(map(_key, others))
            kept = [row for row in self._read(self._uri) if _key(row) not in replaced]
            self._write(self._uri, [*kept, *others])

    @property
    def _uri(self) -> str:
        return shard_record_uri(self.shard.output, self.job, self.shard.shard)

    def _read(self, uri: str) -> list[FileRecord]:
        """The records of an earlier delivery of the shard."""
        with contextlib.suppress(ObjectMissing, ObjectDenied):
            return [*decode(self.store.read(uri))]
        return []

    def _write_failed(self, failed: Sequence[FileRecord], delivered: Sequence[FileRecord]) -> None:
        """Write the failed files, and those of earlier deliveries that were not delivered again."""
        if failed:
            uri = failed_record_uri(self.shard.output, self.job, self.shard.shard)
            names = {(one.relative, one.entry) for one in delivered}
            before = [one for one in self._read(uri) if one.index is None]
            kept = [one for one in before if (one.relative, one.entry) not in names]
            self._write(uri, [*failed, *kept])

    def _write(self, uri: str, records: Sequence[FileRecord]) -> None:
        self.store.write(uri, encode(records, ShardHeader(shard=self.shard.shard)), _CONTENT_TYPE)


def _key(record: FileRecord) -> tuple[int | None, str, int | None]:
    return record.index, record.relative, record.entry
