"""Restore the outcome of every file of a job from S3 into its ledger."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from funasr_fleet.broker.ledger import JobWriter
from funasr_fleet.broker.ledger.file_warnings import UNKNOWN_WARNINGS
from funasr_fleet.broker.ledger.job_writer import Restored
from funasr_fleet.broker.ledger.values import FailureExample
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import error_uri
from funasr_fleet.contract.shard_record import RecordedError
from funasr_fleet.producer.dedup.existing import ExistingResults
from funasr_fleet.producer.dedup.up_to_date import UpToDateCheck
from funasr_fleet.producer.errors import PlannedFileInvalid
from funasr_fleet.producer.jobs.own_result import read_own_result
from funasr_fleet.producer.jobs.recorded_outcomes import JobOutcomes, read_outcomes
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.parts import Part, count_part, planned_ref, read_parts
from funasr_fleet.producer.planning.request import JobRequest, read_start_time
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore
from funasr_fleet.storage.job_documents import DAMAGE

_READERS = 16
_MAX_REASONS = 10
"""Maximum number of reasons that are kept; ReconcileResult.invalid counts all files."""


@dataclass(kw_only=True)
class ReconcileResult:
    """Counts of one `reconcile` call."""

    job: str
    files: int = 0
    done: int = 0
    failed: int = 0
    enqueued: int = 0
    """Files with neither a result nor an error report."""
    shards: int = 0
    windows: int = 0
    """Windows of the plan in S3."""
    planned: bool = True
    """Whether the plan in S3 is complete; if not, run the `fleet enqueue` of the job again."""
    cancelled: bool = False
    """Whether the job is cancelled: then its files without an outcome are not enqueued."""
    warnings: list[str] = field(default_factory=list)
    """Reasons why the enqueued files may wait or run on another model, or the job may stay open,
    and why this release does not accept files of the plan."""
    invalid: int = 0
    """Number of planned files without a result that this release does not accept; they count as
    failed."""

    def count(self, part: Part, restored: Sequence[Restored]) -> None:
        """Add the files of a part of the plan, and their outcomes that were restored from S3."""
        failed = sum(1 for one in restored if one.outcome == "failed")
        self.files += len(part.files)
        self.windows = part.number + 1
        self.failed += failed
        self.done += len(part.done) + len(restored) - failed

    def refuse(self, reason: str) -> None:
        """Record a file that this release does not accept; only the first reasons are kept."""
        self.invalid += 1
        if self.invalid <= _MAX_REASONS:
            self.warnings.append(reason)


@dataclass
class LedgerRebuild:
    """Reads the outcomes of a job's files from S3 and restores them in the ledger."""

    store: ObjectStore
    writer: JobWriter
    job: str
    request: JobRequest
    revision: str | None
    done_ms: int = 0
    """Audio of the finished files according to S3."""
    added_ms: int = 0
    """Audio of the finished files that were missing in the ledger and were added."""

    def restore(self, result: ReconcileResult) -> Iterator[PlannedFile]:
        """Restore finished and failed files in the ledger; yield the files that are neither.

        Args:
            result: updated with the counts.
        """
        outcomes = read_outcomes(self.store, self.request.output, self.job)
        started_at = read_start_time(self.store, self.request.output, self.job)
        check = UpToDateCheck(
            store=self.store,
            output=self.request.output,
            options=self.request.options,
            model_revision=self.revision,
        )
        with check, ThreadPoolExecutor(_READERS) as readers:
            for part in read_parts(self.store, self.request.output, self.job):
                count_part(self.writer, self.job, part)
                files = [file for file in part.files if not file.done]
                todo, refs, restored = _refs_of(files, outcomes, check.existing(), result)
                flags = [done for _, done in check.flag(refs)]
                outcome_of = _FindOutcome(
                    self.store, self.job, self.request, outcomes, check.existing(), started_at
                )
                found = list(readers.map(outcome_of, todo, refs, flags))
                restored += [one for one in found if one]
                self.added_ms += self.writer.restore(self.job, restored)
                self.done_ms += sum(one.audio_ms for one in restored)
                result.count(part, restored)
                yield from (f for f, one in zip(todo, found, strict=True) if one is None)


def _refs_of(
    files: Iterable[PlannedFile],
    outcomes: JobOutcomes,
    existing: ExistingResults,
    result: ReconcileResult,
) -> tuple[list[PlannedFile], list[AudioRef], list[Restored]]:
    """(valid files, their references, outcomes of the files that this release does not accept).

    A file that is not accepted has failed, unless the job recorded a success and S3 has its result.
    """
    valid: list[PlannedFile] = []
    refs: list[AudioRef] = []
    restored: list[Restored] = []
    for file in files:
        try:
            refs.append(planned_ref(file))
            valid.append(file)
        except PlannedFileInvalid as error:
            recorded, name = outcomes.good(file.index), json.loads(file.row).get("relative", "")
            if recorded and existing.has_result(name):
                restored.append(Restored(file.index, *recorded, relative=name))
                continue
            why = FailureExample(
                kind="model_error", index=file.index, relative=name, message=str(error)[:300]
            )
            restored.append(Restored(file.index, "failed", 0, why, name))
            result.refuse(str(error))
    return valid, refs, restored


@dataclass(frozen=True)
class _FindOutcome:
    """Finds the outcome of one file; None if this job left neither a result nor an error report."""

    store: ObjectStore
    job: str
    request: JobRequest
    outcomes: JobOutcomes
    existing: ExistingResults
    started_at: str
    """When the job was started; ISO 8601, the format of times in error reports."""

    def __call__(self, file: PlannedFile, ref: AudioRef, current: bool) -> Restored | None:
        if not self.existing.has_result(ref.relative):
            return self._failed(file.index, ref, current)
        if recorded := self.outcomes.good(file.index):
            warnings = self.outcomes.warnings(file.index)
            return Restored(file.index, *recorded, relative=ref.relative, warnings=warnings)
        return self._own(file.index, ref) or self._skipped(file.index, ref, current)

    def _own(self, index: int, ref: AudioRef) -> Restored | None:
        """The outcome of a file of a shard that has not ended, so that S3 has no row of it."""
        own = read_own_result(self.store, self.request.output, self.job, ref.relative)
        if own is None:
            return None
        return Restored(
            index, own.outcome, own.audio_ms, relative=ref.relative, warnings=own.warnings
        )

    def _failed(self, index: int, ref: AudioRef, current: bool) -> Restored | None:
        """The outcome of a file without a result, according to its error report.

        `current` is also true for a file that an earlier job reported as unusable audio.
        """
        if not self.existing.has_report(ref.relative):
            return self._refused(index, ref)
        try:
            report = json.loads(self.store.read(error_uri(self.request.output, ref.relative)))
            if not self._is_own(index, report):
                return self._skipped(index, ref, current)
            error = RecordedError.model_validate(report["error"])
        except (ObjectMissing, ObjectDenied, *DAMAGE):
            return None  # no readable report: the file is enqueued again
        why = FailureExample(
            kind=error.kind, index=index, relative=ref.relative, message=error.message[:300]
        )
        return Restored(index, "failed", 0, why, ref.relative)

    def _refused(self, index: int, ref: AudioRef) -> Restored | None:
        """The failure of a file whose error report storage refused, according to its record."""
        kind = self.outcomes.failure(index)
        if kind is None:
            return None
        message = "its error report is missing"
        why = FailureExample(kind=kind, index=index, relative=ref.relative, message=message)
        return Restored(index, "failed", 0, why, ref.relative)

    def _is_own(self, index: int, report: Any) -> bool:
        """Whether this job reported a failure of the file.

        Another job with the same output may have replaced the report: a failure in a shard record
        counts regardless of the report. A report of an earlier release names no job: it counts if
        it was written after the start of this job.
        """
        if self.outcomes.failure(index) is not None:
            return True
        own: bool = report["error"]["at"] >= self.started_at
        return report["job"] == self.job if "job" in report else own

    def _skipped(self, index: int, ref: AudioRef, current: bool) -> Restored | None:
        if not current or self.request.overwrite:
            return None
        # the result is not read, so its warnings are unknown
        warnings = (UNKNOWN_WARNINGS,)
        return Restored(index, "skipped", 0, relative=ref.relative, warnings=warnings)
