"""What S3 says of every file of a job, restored in its ledger."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from contract.job import AudioRef
from contract.layout import error_uri
from contract.ledger import Planner
from contract.ledger.planning import Restored
from contract.ledger.values import FailureExample
from contract.shard_record import RecordedError
from contract.store import ObjectDenied, ObjectMissing, ObjectStore
from producer.done.evidence import Evidence
from producer.done.job_outcomes import JobOutcomes, read_outcomes
from producer.done.skipping import DoneCheck
from producer.planning.packing import PlannedFile
from producer.planning.parts import Part, read_parts
from producer.planning.request import JobRequest, read_begun

_READERS = 16


@dataclass(kw_only=True)
class ReconcileResult:
    """What S3 said of a job."""

    job: str
    files: int = 0
    done: int = 0
    failed: int = 0
    enqueued: int = 0
    """Files that had neither result nor error."""
    shards: int = 0
    windows: int = 0
    """Of the plan."""
    planned: bool = True
    """Whether S3 holds the plan of all its sources; if not, run its `fleet enqueue` again."""
    warnings: list[str] = field(default_factory=list)
    """Why nobody, or somebody else, may do what was enqueued, or write the job's end."""


@dataclass
class _Audio:
    """Audio of the files that are done, in ms."""

    done_ms: int = 0
    """By what S3 says."""
    added_ms: int = 0
    """That of files of which the ledger knew nothing."""

    def off_by(self, before_ms: int) -> int:
        """How far the ledger's sum is from what S3 says.

        Args:
            before_ms: the sum before anything was restored.
        """
        return self.done_ms - before_ms - self.added_ms


@dataclass(frozen=True)
class Rebuilding:
    """What S3 says of each file of a job."""

    store: ObjectStore
    planner: Planner
    job: str
    request: JobRequest
    revision: str | None
    audio: _Audio = field(default_factory=_Audio)

    def restore(self, result: ReconcileResult) -> Iterator[PlannedFile]:
        """Tell the ledger of all that is done or failed; yield what is neither."""
        outcomes = read_outcomes(self.store, self.request.output, self.job)
        begun = read_begun(self.store, self.request.output, self.job)
        check = DoneCheck(
            store=self.store,
            output=self.request.output,
            options=self.request.options,
            model_revision=self.revision,
        )
        with check, ThreadPoolExecutor(_READERS) as readers:
            for part in read_parts(self.store, self.request.output, self.job):
                self._count(part)
                todo = [file for file in part.files if not file.done]
                refs = [AudioRef.model_validate_json(file.row) for file in todo]
                marks = [done for _, done in check.mark(refs)]
                judge = _Judge(self.store, self.request, outcomes, check.gathered(), begun)
                found = list(readers.map(judge, todo, refs, marks))
                restored = [one for one in found if one]
                self.audio.added_ms += self.planner.restore(self.job, restored)
                self.audio.done_ms += sum(audio_ms for _, _, audio_ms, _ in restored)
                result.files += len(part.files)
                result.windows = part.number + 1
                result.failed += sum(1 for one in found if one and one[1] == "failed")
                result.done += len(part.files) - len(todo)
                result.done += sum(1 for one in found if one and one[1] != "failed")
                yield from (f for f, one in zip(todo, found, strict=True) if one is None)

    def _count(self, part: Part) -> None:
        self.planner.plan(self.job, part.number, len(part.files), part.estimated_ms, part.done)


@dataclass(frozen=True)
class _Judge:
    """How one file ended; None when there is neither a result nor an error of this job."""

    store: ObjectStore
    request: JobRequest
    outcomes: JobOutcomes
    evidence: Evidence
    begun: str
    """When the job was begun; ISO 8601, as error reports tell their time."""

    def __call__(self, file: PlannedFile, ref: AudioRef, current: bool) -> Restored | None:
        told = self.outcomes.good(file.index)
        if told and self.evidence.has_result(ref.relative):
            return file.index, told[0], told[1], None
        if not self.evidence.has_result(ref.relative):
            # before `current`, to which bytes known to be no audio are as good as done
            failure = self._failure(file.index, ref)
            if failure:
                return file.index, "failed", 0, failure
        return (file.index, "skipped", 0, None) if current and not self.request.overwrite else None

    def _failure(self, index: int, ref: AudioRef) -> FailureExample | None:
        """What the file's report says, unless it is of an earlier job."""
        if not self.evidence.has_report(ref.relative):
            return None
        try:
            report = json.loads(self.store.read(error_uri(self.request.output, ref.relative)))
            if report["error"]["at"] < self.begun and self.outcomes.failure(index) is None:
                return None
            error = RecordedError.model_validate(report["error"])
            return FailureExample(
                kind=error.kind, index=index, relative=ref.relative, message=error.message[:300]
            )
        except (ObjectMissing, ObjectDenied, ValueError, KeyError, TypeError):
            return None  # it is tried again
