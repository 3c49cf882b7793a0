"""Writes the records of a shard's files to S3."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import failed_record_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError, decode, encode
from funasr_fleet.storage.base import (
    DocumentTooLarge,
    ObjectDenied,
    ObjectMissing,
    ObjectStore,
)

_CONTENT_TYPE = "application/x-ndjson"


@dataclass(frozen=True)
class ShardRecords:
    """The records of one shard of a job. Every method raises StoreError."""

    store: ObjectStore
    shard: Shard
    job: str

    def write(self, new: Sequence[FileRecord]) -> None:
        """Write a record per file; for a skipped file, keep the record of an earlier delivery."""
        if not new:
            return
        records = new
        if any(one.outcome == "skipped" for one in new):
            before = self._earlier()
            records = [
                before.get(_key(one), one) if one.outcome == "skipped" else one for one in new
            ]
        self._write_failed([one for one in records if one.outcome == "failed"])
        self.store.write(self._uri, encode(records), _CONTENT_TYPE)

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
            others: records of its other failed entries, which are added to those of an earlier
                delivery.
        """
        own = [
            FileRecord(index=ref.index, relative=ref.relative, outcome="failed", error=error)
            for ref in failed
        ]
        self._write_failed([*own, *others])
        if others:
            replaced = {_key(one) for one in others}
            kept = [row for key, row in self._earlier().items() if key not in replaced]
            self.store.write(self._uri, encode([*kept, *others]), _CONTENT_TYPE)

    @property
    def _uri(self) -> str:
        return shard_record_uri(self.shard.output, self.job, self.shard.shard)

    def _earlier(self) -> dict[tuple[int | None, str], FileRecord]:
        """The records of an earlier delivery of the shard."""
        with contextlib.suppress(ObjectMissing, ObjectDenied, DocumentTooLarge):
            return {_key(one): one for one in decode(self.store.read(self._uri))}
        return {}

    def _write_failed(self, failed: Sequence[FileRecord]) -> None:
        if failed:
            uri = failed_record_uri(self.shard.output, self.job, self.shard.shard)
            self.store.write(uri, encode(failed), _CONTENT_TYPE)


def _key(record: FileRecord) -> tuple[int | None, str]:
    return record.index, record.relative
