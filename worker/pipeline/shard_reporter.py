"""Reports a shard to the ledger while it is processed."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field

from funasr_fleet.broker.job_finalizer import SUCCESS, FinalizeResult
from funasr_fleet.broker.ledger.outcome_writer import OutcomeWriter
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.contract.shard_record import FileRecord, RecordedError
from funasr_fleet.contract.transcript import ErrorKind, Outcome, PostponeReason
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore, StoreError
from funasr_fleet.worker.errors import JobLocked, OutputUnwritable
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.child_counters import ChildCounters
from funasr_fleet.worker.pipeline.shard_records import ShardRecords
from funasr_fleet.worker.process.heartbeat import Touch

FileEntry = AudioRef | InvalidEntry
"""An entry of a shard's files, valid or not."""


@dataclass
class ShardReporter:
    """Reports one shard; for a shard without a job, it only updates the child's counters."""

    shard: Shard
    ledger: OutcomeWriter
    store: ObjectStore
    counters: ChildCounters
    close: Callable[[str], FinalizeResult] = lambda job: "not due"
    """Finalizes a job if this was its last shard."""
    _: KW_ONLY
    invalid: Sequence[InvalidEntry] = ()
    """Entries of the message that are not in the shard."""
    clock: Callable[[], float] = time.monotonic
    _records: dict[int, FileRecord] = field(default_factory=dict, init=False)
    """Keyed by the id() of the entry: two entries may have the same name, or the same index."""
    _ended: set[int] = field(default_factory=set, init=False)
    """The id() of each entry that has an outcome."""
    _work_counted_to_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._work_counted_to_s = self.clock()

    def begin(self) -> None:
        """Report that the files of the message are in progress."""
        if self.shard.job is not None:
            outdated = self.ledger.begin_shard(
                self.shard.job,
                self.shard.shard,
                len(self._entries()),
                output=self.shard.output,
                job_files=self.shard.job_files,
                has_indexes=all(entry.index is not None for entry in self._entries()),
            )
            self._delete_marker(self.shard.job, outdated)
            self.ledger.is_cancelled(self.shard.job, now=True)
        self.ledger.see(self.counters.seen(self.shard))

    def report(self, in_progress_ms: int) -> None:
        """Report the work since the last report, and that the child is alive.

        `in_progress_ms` is the recognised audio of the files without an outcome.
        """
        work_ms = self._count_work()
        if self.shard.job is not None:
            self.ledger.add_work(self.shard.job, work_ms, output=self.shard.output)
        self.ledger.see(self.counters.seen(self.shard, in_progress_ms))

    def _count_work(self) -> int:
        """Count the time since the last call as work; returns it in ms."""
        work_ms = round((self.clock() - self._work_counted_to_s) * 1000)
        self._work_counted_to_s += work_ms / 1000
        self.counters.work_ms += work_ms
        return work_ms

    def is_cancelled(self) -> bool:
        """Whether the job is cancelled: no further file may be started."""
        return self.shard.job is not None and self.ledger.is_cancelled(self.shard.job)

    def record(self, ref: FileEntry, file: FileFinished) -> None:
        """Record the outcome of one file. Raises as end does, once it is recorded."""
        audio_ms = round(file.audio_s * 1000)
        outcome = file.previous_outcome or file.outcome
        outdated = self._record_in_ledger(ref, outcome, audio_ms, file)
        self._ended.add(id(ref))
        if file.outcome != "skipped":
            self.counters.files += 1
            self.counters.audio_ms += audio_ms
        self._records[id(ref)] = FileRecord(
            index=ref.index,
            relative=ref.relative,
            outcome=outcome,
            etag=file.result_etag,
            fingerprint=file.fingerprint,
            audio_ms=audio_ms,
            error=_error_of(file),
            warnings=None if outcome == "skipped" else file.warnings,
        )
        self._delete_marker(str(self.shard.job), outdated)

    def _record_in_ledger(
        self, ref: FileEntry, outcome: Outcome, audio_ms: int, file: FileFinished
    ) -> str | None:
        job = self.shard.job
        if job is None or ref.index is None:
            return None
        name = ref.relative if isinstance(ref, AudioRef) or ref.is_safe else ""
        detail = FileDetail(
            shard=self.shard.shard,
            output=self.shard.output,
            seconds=file.seconds,
            kind=file.error_kind,
            relative=ref.relative,
            # a success of the file that has the name must not replace the failure
            name=f"{name}\0" if file.is_name_taken else name,
            message=file.error or "",
            warnings=file.warnings,
        )
        return self.ledger.record(job, ref.index, outcome, audio_ms, detail=detail)

    def _delete_marker(self, job: str, output: str | None) -> None:
        """Delete the _SUCCESS marker of a job that was reopened; without an output, do nothing."""
        if output is not None:
            with _output_errors():
                self.store.delete(job_uri(output, job, SUCCESS))
            self.ledger.marker_deleted(job)

    def end(self) -> int:
        """Write the per-file records to S3 and mark the shard as ended.

        Files without an outcome are recorded as cancelled; returns their number.

        Raises:
            OutputUnwritable: storage refuses the records or the job's report permanently.
            StoreUnavailable: storage is unavailable.
        """
        cancelled, work_ms = 0, self._count_work()
        if self.shard.job is not None:
            cancelled = self._cancel_rest(self.shard.job)
            self.write_records()
            with _output_errors():
                self._end_shard(self.shard.job, work_ms)
        self.ledger.see(self.counters.seen(None))
        return cancelled

    def write_records(self) -> None:
        """Write a record per file with an outcome to S3. Raises as end does."""
        if self.shard.job is not None:
            with _output_errors():
                stored = ShardRecords(self.store, self.shard, self.shard.job)
                stored.write([*self._records.values()])

    def suspend(self, reason: PostponeReason | None = None, message: str = "") -> None:
        """Report that no file is in progress; the shard will be retried or dead-lettered.

        Args:
            reason: why the shard is postponed; None if it is not.
            message: the error.

        The job stays open until the shard has ended: the ledger may already have all outcomes, but
        the records of the failed files are written to S3 only then.
        """
        if self.shard.job is not None:
            self.ledger.suspend_shard(
                self.shard.job, self.shard.shard, reason, message, output=self.shard.output
            )
        self.ledger.see(self.counters.seen(None))

    def await_parts(self, parts: Iterable[Shard]) -> None:
        """Keep the job open until the parts that are about to replace the shard have ended."""
        if (job := self.shard.job) is not None:
            self.ledger.await_shards(job, [one.shard for one in parts], output=self.shard.output)

    @property
    def unfinished(self) -> bool:
        """Whether some file, or invalid entry, has no outcome yet."""
        return not all(map(self.has_outcome, self._entries()))

    def has_outcome(self, entry: FileEntry) -> bool:
        """Whether the entry has an outcome of this delivery."""
        return id(entry) in self._ended

    def _entries(self) -> Sequence[FileEntry]:
        return [*self.shard.files, *self.invalid]

    def give_up(
        self, failed: Sequence[AudioRef], reason: str, kind: ErrorKind, touch: Touch
    ) -> None:
        """Record the outcomes of a dead-lettered shard: failed for `failed`, skipped for the rest.

        Outcomes of this delivery, and those that the ledger has as ok or empty, are kept.
        """
        if (job := self.shard.job) is None:
            return
        failed_ids = {id(ref) for ref in failed}
        for ref in self.shard.files:
            touch(f"outcome of {ref.relative}")
            if (index := ref.index) is None or self.has_outcome(ref):
                continue
            outcome: Outcome = "failed" if id(ref) in failed_ids else "skipped"
            name, output = ref.relative, self.shard.output
            detail = FileDetail(output=output, kind=kind, relative=name, name=name, message=reason)
            outdated = self.ledger.record(job, index, outcome, 0, only_first=True, detail=detail)
            with contextlib.suppress(StoreError, OutputUnwritable):
                self._delete_marker(job, outdated)
        error = RecordedError(kind=kind, message=reason)
        with contextlib.suppress(StoreError):  # which may be the reason for the dead letter
            others = [one for one in self._records.values() if one.outcome == "failed"]
            ShardRecords(self.store, self.shard, job).write_failed(failed, error, others)

    def end_replaced_and_close_job(self) -> None:
        """Mark a dead-lettered or split shard as ended, and finalize its job if this was the last.

        Raises:
            StoreError: the job's report cannot be written.
        """
        self.ledger.see(self.counters.seen(None))
        if self.shard.job is not None:
            self._end_shard(self.shard.job, 0)

    def _end_shard(self, job: str, work_ms: int) -> None:
        self.ledger.end_shard(job, self.shard.shard, work_ms, output=self.shard.output)
        if self.close(job) == "held":  # the process that holds the lock may have crashed
            raise JobLocked(f"another process is finalizing job {job}")

    def _cancel_rest(self, job: str) -> int:
        rest = (one.index for one in self._entries() if not self.has_outcome(one))
        if indices := [index for index in rest if index is not None]:
            self.ledger.cancel_files(job, indices, output=self.shard.output)
        return len(indices)


@contextlib.contextmanager
def _output_errors() -> Iterator[None]:
    """Raise OutputUnwritable for a missing bucket or denied access."""
    try:
        yield
    except (ObjectMissing, ObjectDenied) as error:
        raise OutputUnwritable(f"cannot write the records of the job: {error}") from error


def _error_of(file: FileFinished) -> RecordedError | None:
    kind = file.error_kind
    return RecordedError(kind=kind, message=file.error or "") if kind else None
