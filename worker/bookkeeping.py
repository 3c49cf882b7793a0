"""A shard in the books: in the ledger while it is worked on, in S3 what became of each file."""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from contract.closing import Closing
from contract.job import AudioRef, Shard
from contract.layout import failed_record_uri, shard_record_uri
from contract.ledger.recording import Recorder
from contract.ledger.values import FileDetail, WorkerSeen
from contract.shard_record import FileRecord, RecordedError, decode, encode
from contract.store import ObjectDenied, ObjectMissing, ObjectStore, StoreError, StoreUnavailable
from contract.transcript import ErrorKind, Outcome
from worker.events import FileFinished


@dataclass
class Tally:
    """What one child has done since it started."""

    worker: str
    slot: int
    files: int = 0
    audio_ms: int = 0
    work_ms: int = 0

    def seen(self, shard: Shard | None) -> WorkerSeen:
        """What the child says of itself now."""
        return WorkerSeen(
            worker=self.worker,
            slot=self.slot,
            at=time.time(),
            job=shard.job if shard else None,
            shard=shard.shard if shard else None,
            files=self.files,
            audio_ms=self.audio_ms,
            work_ms=self.work_ms,
        )


@dataclass
class ShardBook:
    """The books of one shard; without a job there are none to keep but the child's tally."""

    shard: Shard
    recorder: Recorder
    store: ObjectStore
    tally: Tally
    close: Callable[[str], Closing] = lambda job: "not due"
    """Writes a job's end, if this was its last shard."""
    _records: dict[str, FileRecord] = field(default_factory=dict)
    """By relative name."""
    _ended: set[str] = field(default_factory=set)
    """Relative names of the files that have their outcome."""

    def begin(self) -> None:
        """The shard's files are in flight."""
        if self.shard.job is not None:
            self.recorder.begin_shard(self.shard.job, self.shard.shard, len(self.shard.files))
            self.recorder.is_cancelled(self.shard.job, now=True)
        self.recorder.see(self.tally.seen(self.shard))

    def is_cancelled(self) -> bool:
        """Whether no further file is to be begun."""
        return self.shard.job is not None and self.recorder.is_cancelled(self.shard.job)

    def record(self, ref: AudioRef, file: FileFinished) -> None:
        """Take down what became of one file."""
        audio_ms = round(file.audio_s * 1000)
        outcome = file.made_before or file.outcome
        self._ended.add(ref.relative)
        if file.outcome != "skipped":
            self.tally.files += 1
            self.tally.audio_ms += audio_ms
        if self.shard.job is None:
            return
        self._records[ref.relative] = FileRecord(
            index=ref.index,
            relative=ref.relative,
            outcome=outcome,
            etag=file.result_etag,
            fingerprint=file.fingerprint,
            audio_ms=audio_ms,
            error=_error_of(file),
        )
        self._tell(ref, outcome, audio_ms, file)

    def _tell(self, ref: AudioRef, outcome: Outcome, audio_ms: int, file: FileFinished) -> None:
        if self.shard.job is None or ref.index is None:
            return
        detail = FileDetail(
            shard=self.shard.shard,
            seconds=file.seconds,
            kind=file.error_kind,
            relative=ref.relative,
            message=file.error or "",
        )
        self.recorder.record(self.shard.job, ref.index, outcome, audio_ms, detail=detail)

    def end(self, work_ms: int) -> int:
        """Nothing of the shard is in flight any more; what became of its files is kept in S3.

        Returns how many of them were cancelled.

        Raises:
            StoreError: it cannot be kept.
        """
        self.tally.work_ms += work_ms
        cancelled = 0
        if self.shard.job is not None:
            cancelled = self._cancel_rest(self.shard.job)
            self._keep(self.shard.job)
            self.recorder.end_shard(self.shard.job, self.shard.shard, work_ms)
            self._close(self.shard.job)
        self.recorder.see(self.tally.seen(None))
        return cancelled

    def suspend(self) -> None:
        """No file of the shard is in flight; it will be retried or becomes a dead letter.

        The job stays open until the shard has ended: the ledger may know all outcomes already, but
        the records of the failed files are not in S3 before that.
        """
        if self.shard.job is not None:
            self.recorder.suspend_shard(self.shard.job, self.shard.shard)
        self.recorder.see(self.tally.seen(None))

    def await_parts(self, parts: Iterable[Shard]) -> None:
        """The shard is about to be replaced by these: the job stays open until they have ended."""
        if self.shard.job is not None:
            self.recorder.await_shards(self.shard.job, [part.shard for part in parts])

    def leave(self) -> None:
        """The shard was replaced by its parts or by a dead letter."""
        if self.shard.job is not None:
            self.recorder.end_shard(self.shard.job, self.shard.shard, 0)
        self.recorder.see(self.tally.seen(None))

    @property
    def unfinished(self) -> bool:
        """Whether some file has no outcome yet."""
        return any(ref.relative not in self._ended for ref in self.shard.files)

    def give_up(self, failed: Sequence[AudioRef], reason: str, kind: ErrorKind) -> None:
        """The shard is put aside: these files have failed, the others had their outcome."""
        job = self.shard.job
        if job is None:
            return
        for ref in self.shard.files:
            if ref.index is not None:
                outcome: Outcome = "failed" if ref in failed else "skipped"
                detail = FileDetail(kind=kind, relative=ref.relative, message=reason)
                self.recorder.record(job, ref.index, outcome, 0, only_first=True, detail=detail)
        with contextlib.suppress(StoreError):  # that may be the reason
            self._keep_failed(job, failed, reason, kind)

    def leave_for_good(self) -> None:
        """Nothing of a shard that was put aside is in flight; its job may be over.

        Raises:
            StoreError: the job's end cannot be written.
        """
        self.leave()
        if self.shard.job is not None:
            self._close(self.shard.job)

    def _close(self, job: str) -> None:
        if self.close(job) == "held":  # whoever holds it may have died
            raise StoreUnavailable(f"the end of {job} is being written elsewhere")

    def _keep_failed(
        self, job: str, failed: Sequence[AudioRef], reason: str, kind: ErrorKind
    ) -> None:
        if not failed:
            return
        error = RecordedError(kind=kind, message=reason)
        rows = [
            FileRecord(index=ref.index, relative=ref.relative, outcome="failed", error=error)
            for ref in failed
        ]
        uri = failed_record_uri(self.shard.output, job, self.shard.shard)
        self.store.write(uri, encode(rows), "application/x-ndjson")

    def _cancel_rest(self, job: str) -> int:
        left = [ref.index for ref in self.shard.files if ref.relative not in self._records]
        known = [index for index in left if index is not None]
        if known:
            self.recorder.cancel_files(job, known)
        return len(known)

    def _keep(self, job: str) -> None:
        """An earlier delivery knows more of a file that was skipped now."""
        if not self._records:
            return
        uri = shard_record_uri(self.shard.output, job, self.shard.shard)
        records = dict(self._records)
        if any(one.outcome == "skipped" for one in records.values()):
            with contextlib.suppress(ObjectMissing, ObjectDenied):
                for before in decode(self.store.read(uri)):
                    if before.relative in records and records[before.relative].outcome == "skipped":
                        records[before.relative] = before
        failed = [one for one in records.values() if one.outcome == "failed"]
        if failed:
            gone = failed_record_uri(self.shard.output, job, self.shard.shard)
            self.store.write(gone, encode(failed), "application/x-ndjson")
        self.store.write(uri, encode(records.values()), "application/x-ndjson")


def _error_of(file: FileFinished) -> RecordedError | None:
    if file.error_kind is None:
        return None
    return RecordedError(kind=file.error_kind, message=file.error or "")
