"""Records the outcome of every file of a shard: written, failed, skipped or retried later.

Outputs are written in background threads while the GPU works. Outcomes are recorded by the shard's
own thread, and once a second by a thread that reports progress.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from funasr_fleet.contract.audio_address import shown
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.storage.base import ObjectInfo, StoreError
from funasr_fleet.worker.engine.interface import Engine
from funasr_fleet.worker.error_handling import Retry, Skip, decide
from funasr_fleet.worker.errors import OutputNameTaken, OutputRefused, OutputUnwritable
from funasr_fleet.worker.events import FileFinished, Observer
from funasr_fleet.worker.pipeline.fetch import FileJob
from funasr_fleet.worker.pipeline.file_state import ChannelResult, FileInProgress
from funasr_fleet.worker.pipeline.output_store import ExistingResult
from funasr_fleet.worker.pipeline.pending_writes import PendingWrites
from funasr_fleet.worker.pipeline.result_writer import ResultWriter, range_s
from funasr_fleet.worker.pipeline.storage_errors import StorageErrors
from funasr_fleet.worker.process.os_process import resident_bytes

_MAX_PENDING_WRITES = 64
"""Files that may wait to be written before the device waits for them."""

Record = Callable[[AudioRef, FileFinished], None]
"""Records the outcome of a file; never called by two threads at the same time."""

Fingerprint = Callable[[FileJob, ObjectInfo], str]
"""Computes the fingerprint that a result of a file must have to be current."""


@dataclass(kw_only=True, eq=False)
class FileFinalizer:
    """Writes results in background threads and records each file's outcome."""

    shard: Shard
    engine: Engine
    result_writer: ResultWriter
    fingerprint: Fingerprint
    errors: StorageErrors
    write_executor: Executor
    record: Record
    observe: Observer
    threads: int = field(default=0, init=False)
    """Highest torch thread count found after a file."""
    _begun: set[FileInProgress] = field(default_factory=set, init=False)
    """Files that are at least partly recognised and have no outcome yet."""
    _begun_lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _pending: PendingWrites = field(default_factory=PendingWrites, init=False)
    _record_lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def begin(self, files: Iterable[FileInProgress]) -> None:
        """Include these files in in_progress_ms() until they have an outcome."""
        with self._begun_lock:
            self._begun.update(files)

    def in_progress_ms(self) -> int:
        """Recognised audio of the files without an outcome; any thread may call it."""
        with self._begun_lock:
            return sum(file.recognised_ms for file in self._begun)

    def finish(self, file: FileInProgress) -> None:
        """Assemble a file whose clips are all recognised, and start writing it in the background.

        Raises:
            Exception: the error of an earlier file, if it affects the whole shard or process.
        """
        channels: list[ChannelResult] = []
        try:
            if not file.error and not file.fetched.existing:
                channels = file.assemble(self.engine.cluster_speakers)
        except Exception as error:
            file.fail(error)
        if file.error and isinstance(decide(file.error, 0), Retry):
            self._fetch_later(file, file.error)
            return
        self.errors.source_answered(file.ref)
        threads = self.engine.hold_threads()
        self.threads = max(self.threads, threads)
        writing = self.write_executor.submit(self._write, file, channels, threads)
        self._pending.add((file, writing))
        self.collect(_MAX_PENDING_WRITES)

    def collect(self, max_pending: int = 0) -> None:
        """Record writes until at most `max_pending` are left and none has failed.

        Raises as finish does.
        """
        while one := self._pending.take_next(max_pending):
            file, writing = one
            try:
                finished = writing.result()
            except Exception as error:
                self._retry_later(file, error)
                continue
            self._record(file, finished)

    def collect_written(self) -> None:
        """Record the files whose outputs are written, without waiting; any thread may call it.

        collect() handles files whose outputs could not be written, and files that this method could
        not record.

        Raises:
            Exception: a file cannot be recorded.
        """
        while one := self._pending.take_written():
            file, writing = one
            try:
                self._record(file, writing.result())
            except Exception:
                self._pending.add(one)
                raise

    def _record(self, file: FileInProgress, finished: FileFinished) -> None:
        with self._record_lock:
            try:
                self.record(file.ref, finished)
            except (StoreError, OutputUnwritable):  # it is recorded
                self.observe(finished)
                raise
            self.observe(finished)
            self._end(file)

    def _end(self, file: FileInProgress) -> None:
        with self._begun_lock:
            self._begun.discard(file)

    def _fetch_later(self, file: FileInProgress, error: Exception) -> None:
        if file.fetched.has_read_output and isinstance(error, StoreError):
            self._end(file)
            seconds = file.fetched.file_job.stopwatch.seconds.get("fetch", 0.0)
            self.errors.source_failed(file.ref, error, seconds)
        else:
            self._retry_later(file, error)

    def _retry_later(self, file: FileInProgress, error: Exception) -> None:
        self._end(file)
        self.errors.failed(error)

    def collect_remaining(self) -> None:
        """Record all pending writes and ignore their errors; called after the shard failed."""
        while one := self._pending.take_next(0):
            file, writing = one
            with contextlib.suppress(Exception):
                self._record(file, writing.result())

    def _write(
        self, file: FileInProgress, channels: Sequence[ChannelResult], threads: int
    ) -> FileFinished:
        """Skip a file, commit its result or report its error; return the event."""
        fetched = file.fetched
        if fetched.existing:
            return self._skipped(file, fetched.existing, threads)
        try:
            if file.error:
                raise file.error
            assert fetched.info  # noqa: S101 - it was fetched
            fingerprint = self.fingerprint(fetched.file_job, fetched.info)
            result, etag = self.result_writer.commit(file, channels, fingerprint, threads)
        except Exception as error:
            decision = decide(error, self.result_writer.run.retries)
            if not isinstance(decision, Skip):
                raise
            is_name_taken = isinstance(error, OutputNameTaken)
            if not is_name_taken:  # otherwise the report would be the other file's
                self._report(file, decision)
            return replace(
                self._event(file, "failed", threads),
                error=decision.message,
                error_kind=decision.kind,
                is_name_taken=is_name_taken,
            )
        self.errors.written()
        return replace(
            self._event(file, "ok" if result.segments else "empty", threads),
            audio_s=range_s(fetched.file_job, fetched.facts) if fetched.facts else 0.0,
            fingerprint=fingerprint,
            result_etag=etag,
            warnings=result.warnings,
        )

    def _report(self, file: FileInProgress, failure: Skip) -> None:
        """Write the error report; a file whose report storage refuses too fails without one."""
        try:
            self.result_writer.report(file, failure)
            self.errors.written()
        except OutputRefused as error:
            self.errors.refused(error)

    def _skipped(
        self, file: FileInProgress, existing: ExistingResult, threads: int
    ) -> FileFinished:
        """The event of a file that already has a result.

        A process may have written the result for this job and crashed before it recorded the
        outcome. The event of such a file therefore contains what that process would have recorded.
        """
        event = self._event(file, "skipped", threads)
        if existing.job != self.shard.job:
            return event
        self.errors.written()
        if self.shard.job is None:
            return event
        return replace(
            event,
            previous_outcome=existing.outcome,
            audio_s=existing.audio_s,
            warnings=existing.warnings,
            fingerprint=existing.fingerprint,
            result_etag=file.fetched.file_job.outputs.etag(),
        )

    def _event(self, file: FileInProgress, outcome: Outcome, threads: int) -> FileFinished:
        """The event with the fields that every outcome has."""
        file_job = file.fetched.file_job
        return FileFinished(
            shard=self.shard.shard,
            job=self.shard.job,
            audio=shown(file_job.ref.audio),
            index=file_job.ref.index,
            outcome=outcome,
            audio_s=0.0,
            seconds=file_job.stopwatch.total_s,
            stages_s=dict(file_job.stopwatch.seconds),
            threads=threads,
            resident_bytes=resident_bytes(),
            device_bytes=self.engine.memory_bytes().get("allocated", 0),
        )
