"""The end of a job: its report, its failures, and last of all _SUCCESS, written by one process."""

import json
import logging
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Literal

from contract.job_report import report
from contract.layout import job_uri
from contract.ledger.planning import Planner
from contract.ledger.reading import Ledger, bits_of, has_bit
from contract.ledger.values import KINDS, JobCounts
from contract.plan_rows import planned_names
from contract.record_reading import read_records
from contract.shard_record import FileRecord, RecordedError
from contract.store import ObjectStore

log = logging.getLogger(__name__)

KEEP_S = 30 * 24 * 3600
"""How long Redis remembers a job that is over; S3 keeps its report."""

_LEASE_S = 600
"""A process that is killed while it writes a job's end keeps others from it for so long."""

Closing = Literal["closed", "not due", "held"]
"""What became of a job's end; held: another process writes it, or died while it did."""


class Closer:
    """Writes the ends of jobs."""

    def __init__(self, ledger: Ledger, planner: Planner, store: ObjectStore) -> None:
        self._ledger = ledger
        self._planner = planner
        self._store = store

    def close(self, job: str) -> Closing:
        """Write the job's end if it is complete and nobody has.

        Raises:
            StoreError: S3 does not take it; to be called again.
            BrokerUnavailable: Redis is away.
        """
        if not _is_due(self._ledger.counts(job)):
            return "not due"
        token = secrets.token_hex(8)
        if not self._planner.claim_closing(job, token, _LEASE_S):
            return "held"
        try:
            counts = self._ledger.counts(job)
            if counts is None or not _is_due(counts):  # somebody was faster
                return "not due"
            self._write(counts)
            # files may have been enqueued again meanwhile: then the job goes on
            closed = self._planner.close(job, KEEP_S, counts.rounds)
            return "closed" if closed else "not due"
        finally:
            self._planner.release_closing(job, token)

    def _write(self, counts: JobCounts) -> None:
        output, job = counts.output, counts.job
        with tempfile.TemporaryFile() as failures:
            self._gather_failures(counts, failures)
            failures.seek(0)
            self._store.upload(job_uri(output, job, "failures.jsonl"), failures)
        document = report(
            counts, self._ledger.minutes(job), self._ledger.latency(job), now=time.time()
        )
        self._put(job_uri(output, job, "report.json"), json.dumps(document).encode() + b"\n")
        success = job_uri(output, job, SUCCESS)
        if counts.outcomes["failed"] or counts.cancelled:
            self._store.delete(success)
        else:
            self._put(success, b"")

    def _put(self, uri: str, body: bytes) -> None:
        self._store.write(uri, body, "application/json")

    def _gather_failures(self, counts: JobCounts, file: BinaryIO) -> None:
        """Write one row for each file whose last outcome is failed."""
        if not counts.outcomes["failed"]:
            return
        failed = bytearray(self._ledger.bitmap(counts.job, "failed"))
        for record in read_records(self._store, job_uri(counts.output, counts.job, "failed/")):
            if record.index is not None and has_bit(failed, record.index):
                failed[record.index // 8] &= ~(128 >> record.index % 8)
                file.write(record.to_line())
        for record in self._unrecorded(counts, bits_of(failed)):
            file.write(record.to_line())

    def _unrecorded(self, counts: JobCounts, indexes: Sequence[int]) -> Iterator[FileRecord]:
        """Rows of failed files of which no shard left a row: a lost shard leaves none."""
        if not indexes:
            return
        reasons, unnamed = _Reasons(self._ledger, counts.job), set(indexes)
        for index, name in planned_names(self._store, counts.output, counts.job, indexes):
            unnamed.discard(index)
            yield _failed(index, name, reasons)
        if unnamed:
            log.warning("%d failed files of job %s have no name", len(unnamed), counts.job)
        for index in sorted(unnamed):
            yield _failed(index, "", reasons)


class _Reasons:
    """Why files failed, as far as the ledger knows."""

    def __init__(self, ledger: Ledger, job: str) -> None:
        self._kinds = {kind: ledger.bitmap(job, f"kind:{kind}") for kind in KINDS}
        self._messages = {one.index: one.message for one in ledger.examples(job)}

    def __call__(self, index: int) -> RecordedError | None:
        for kind, bitmap in self._kinds.items():
            if has_bit(bitmap, index):
                return RecordedError(kind=kind, message=self._messages.get(index, _NOT_RECORDED))
        return None


_NOT_RECORDED = "not recorded; see the file's error report, or the dead letters"


def _failed(index: int, name: str, reasons: _Reasons) -> FileRecord:
    return FileRecord(index=index, relative=name, outcome="failed", error=reasons(index))


SUCCESS = "_SUCCESS"
"""The mark of a job without failures, as Hadoop's tools know it."""


def _is_due(counts: JobCounts | None) -> bool:
    """Whether a producer began the job, it is complete, and its end is not written.

    A shard that has not ended may have rows to leave.
    """
    if counts is None or not counts.created_at or counts.closed_at:
        return False
    return counts.complete and not counts.open_shards
