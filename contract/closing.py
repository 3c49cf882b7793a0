"""The end of a job: its report, its failures, and last of all _SUCCESS, written by one process."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from contract.job_report import report
from contract.layout import job_uri
from contract.ledger.planning import Planner
from contract.ledger.reading import Ledger
from contract.ledger.values import JobCounts
from contract.shard_record import FileRecord, decode
from contract.store import ObjectStore

KEEP_S = 30 * 24 * 3600
"""How long Redis remembers a job that is over; S3 keeps its report."""

_LEASE_S = 600
"""A process that dies while it writes a job's end leaves that to another after this time."""

_READERS = 16


class Closer:
    """Writes the ends of jobs."""

    def __init__(self, ledger: Ledger, planner: Planner, store: ObjectStore) -> None:
        self._ledger = ledger
        self._planner = planner
        self._store = store

    def close(self, job: str) -> bool:
        """Write the job's end if it is complete and nobody has; whether this call did.

        Raises:
            StoreError: S3 does not take it; the next shard or command tries again.
            BrokerUnavailable: Redis is away.
        """
        if not _is_due(self._ledger.counts(job)):
            return False
        if not self._planner.claim_closing(job, _LEASE_S):
            return False
        counts = self._ledger.counts(job)
        if counts is None or not _is_due(counts):  # somebody was faster
            return False
        self._write(counts)
        self._planner.close(job, KEEP_S)
        return True

    def _write(self, counts: JobCounts) -> None:
        output, job = counts.output, counts.job
        lines = [record.to_line() for record in self._failures(counts)]
        self._put(job_uri(output, job, "failures.jsonl"), b"".join(lines))
        document = report(
            counts, self._ledger.minutes(job), self._ledger.latency(job), now=time.time()
        )
        self._put(job_uri(output, job, "report.json"), json.dumps(document).encode() + b"\n")
        success = job_uri(output, job, "_SUCCESS")
        if counts.outcomes["failed"] or counts.cancelled:
            self._store.delete(success)
        else:
            self._put(success, b"")

    def _put(self, uri: str, body: bytes) -> None:
        self._store.write(uri, body, "application/json")

    def _failures(self, counts: JobCounts) -> Iterator[FileRecord]:
        """Every file that failed and was not mended since, once."""
        failed = set(self._ledger.indexes(counts.job, "failed"))
        if not failed:
            return
        found = self._store.list(job_uri(counts.output, counts.job, "failed/"))
        with ThreadPoolExecutor(_READERS) as readers:
            bodies = readers.map(self._store.read, [one.uri for one in found])
            for record in (record for body in bodies for record in decode(body)):
                if record.index in failed:
                    failed.discard(record.index)
                    yield record


def _is_due(counts: JobCounts | None) -> bool:
    """Whether a producer began the job, it is complete, and its end is not written."""
    if counts is None or not counts.created_at or counts.closed_at:
        return False
    return counts.complete
