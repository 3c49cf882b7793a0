"""Closes a settled job: one process writes its failures, its report, and _SUCCESS last."""

import json
import logging
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Literal

from funasr_fleet.broker.job_report import report
from funasr_fleet.broker.ledger.bitmaps import bits_of, has_bit
from funasr_fleet.broker.ledger.job_writer import JobWriter
from funasr_fleet.broker.ledger.reader import LedgerReader
from funasr_fleet.broker.ledger.values import KEEP_S, KINDS, JobCounts
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.job_documents import planned_names, read_records

log = logging.getLogger(__name__)

_LEASE_S = 600
"""Lease on closing a job: if its holder is killed, others can close the job after this time."""

FinalizeResult = Literal["closed", "not due", "held"]
"""Result of closing a job.

not due: the job is not settled, is closed already, or has lost data. held: another process is
closing it, or died while doing so."""


class JobFinalizer:
    """Closes settled jobs: writes failures.jsonl, report.json and _SUCCESS to S3."""

    def __init__(self, ledger: LedgerReader, writer: JobWriter, store: ObjectStore) -> None:
        self._ledger = ledger
        self._writer = writer
        self._store = store

    def close(self, job: str) -> FinalizeResult:
        """Close the job if it is settled and not closed yet.

        Raises:
            StoreError: writing to S3 failed; call again.
            BrokerUnavailable: Redis cannot be reached.
        """
        counts = self._ledger.counts(job)
        if not _is_due(counts):
            self._delete_if_unindexed(counts)
            return "not due"
        token = secrets.token_hex(8)
        if not self._writer.claim_closing(job, token, _LEASE_S):
            return "held"
        try:
            counts = self._ledger.counts(job)
            if counts is None or not _is_due(counts):  # another process closed it
                return "not due"
            if counts.declared and has_unindexed_failure(self._store, counts.output, job):
                self._writer.mark_unindexed(job)  # Redis has lost the mark
                self._delete_if_unindexed(replace(counts, unindexed=True))
                return "not due"
            self._write(counts)
            # keys may have been lost while they were read, and failures be missing in S3
            is_due = _is_due(self._ledger.counts(job))
            if is_due and self._writer.close(job, KEEP_S, counts.rounds):
                return "closed"
            # data was lost, or files were enqueued again: the job stays open
            self._store.delete(job_uri(counts.output, job, SUCCESS))
            self._delete_if_unindexed(self._ledger.counts(job))
            return "not due"
        finally:
            self._writer.release_closing(job, token)

    def _delete_if_unindexed(self, counts: JobCounts | None) -> None:
        """Delete the report and markers of a job with files that have no index: it never ends."""
        if counts and counts.unindexed and counts.output:
            for name in (SUCCESS, "report.json", "failures.jsonl"):
                self._store.delete(job_uri(counts.output, counts.job, name))

    def _write(self, counts: JobCounts) -> None:
        output, job = counts.output, counts.job
        with tempfile.TemporaryFile() as failures:
            self._gather_failures(counts, failures)
            failures.seek(0)
            self._store.upload(job_uri(output, job, "failures.jsonl"), failures)
        counts = replace(counts, closed_at=time.time())
        document = report(counts, self._ledger.minutes(job), self._ledger.latency(job))
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
        """Make the records of failed files that are in no shard record, as after a lost shard."""
        if not indexes:
            return
        reasons, unnamed = _Reasons(self._ledger, counts.job), set(indexes)
        for index, name in planned_names(self._store, counts.output, counts.job, indexes):
            unnamed.discard(index)
            yield _failed(index, name, reasons)
        if unnamed:
            log.warning(
                "%d failed files of job %s are not in its plan in S3: failures.jsonl lists them "
                "without a name",
                len(unnamed),
                counts.job,
            )
        for index in sorted(unnamed):
            yield _failed(index, "", reasons)


def has_unindexed_failure(store: ObjectStore, output: str, job: str) -> bool:
    """Whether a file without an index failed, by the records of shards. Raises StoreError."""
    return any(one.index is None for one in read_records(store, job_uri(output, job, "failed/")))


class _Reasons:
    """Why files failed, as far as the ledger records it."""

    def __init__(self, ledger: LedgerReader, job: str) -> None:
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
"""Marks a job without failures, by the Hadoop convention."""


def _is_due(counts: JobCounts | None) -> bool:
    """Whether the job's number of files is known, and the job is settled and not closed.

    A job with open shards is not due: they may still write their records.
    """
    if counts is None or not counts.created_at or counts.closed_at:
        return False
    return counts.ready_to_close and not counts.open_shards
