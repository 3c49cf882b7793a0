"""Rebuild a job's ledger from S3, and publish again whatever has neither result nor error."""

import collections
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from contract.attempts_key import claim_key, identity_of
from contract.closing import Closer
from contract.job import AudioRef
from contract.layout import error_uri, job_uri
from contract.ledger import Ledger, Planner, connect
from contract.ledger.planning import Restored
from contract.ledger.values import FailureExample, JobCounts
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectMissing, ObjectStore, StoreError
from producer.cancelling import MARKER
from producer.claim import ProducerClaim
from producer.directing import direct, revision_at
from producer.done.evidence import Evidence
from producer.done.job_outcomes import JobOutcomes, read_outcomes
from producer.done.skipping import DoneCheck
from producer.planning.packing import PlannedFile
from producer.planning.parts import Part, read_parts
from producer.planning.request import JobRequest, read_begun, read_planned, read_request
from producer.refusals import NoPlan
from producer.retrying import Republisher

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
    """Why nobody, or somebody else, may do what was enqueued."""


def reconcile(
    job: str,
    *,
    output: str | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> ReconcileResult:
    """Bring the ledger to what S3 says, and publish what is missing.

    What still waits in the queue or is in work is published a second time; workers find what is
    done, and skip it.

    Args:
        job: its name.
        output: the prefix of its results, needed when Redis has lost the job.
        settings: by default read from the environment.
        store: by default S3.

    Raises:
        NoPlan: S3 holds no plan of it, as of a job that another client sends.
        AnotherProducer: somebody else is publishing it.
        BrokerUnavailable: Redis fails; call it again.
        StoreError: S3 fails; likewise.
    """
    settings, store = settings or Settings.load(), store or S3Store()
    redis = connect(settings)
    ledger, planner = Ledger(redis, settings.key_prefix), Planner(redis, settings.key_prefix)
    counts = ledger.counts(job)
    request = _read_request(store, job, output, counts)
    with ProducerClaim(redis, settings.key_prefix, job):
        begun = datetime.fromisoformat(read_begun(store, request.output, job)).timestamp()
        choice = direct(redis, settings, request.model, planner.about(job).get("queue"))
        about = {"request": request.digest, "queue": choice.queue}
        before_ms: int | None = None
        if counts and counts.whole:  # it is not counted again: S3 may know less
            planner.complete_fields(job, request.output, at=begun, **about)
        else:
            before_ms = planner.rebuild(job, request.output, at=begun, **about)
        revision = revision_at(redis, settings, choice)
        rebuilding = _Rebuilding(store, planner, job, request, revision)
        result = _restore_and_publish(rebuilding, settings, before_ms)
        result.warnings += choice.warnings if result.enqueued else ()
        claims = claim_key(settings.key_prefix, identity_of(request.output, ""))
        planner.drop_unclaimed_shards(job, claims)
    Closer(ledger, planner, store).close(job)
    return result


def _restore_and_publish(
    rebuilding: "_Rebuilding", settings: Settings, before_ms: int | None
) -> ReconcileResult:
    """`before_ms` is the audio that was counted; None when the ledger is kept."""
    planner, job, request = rebuilding.planner, rebuilding.job, rebuilding.request
    result = ReconcileResult(job=job)
    missing = rebuilding.restore(result)
    if planner.is_cancelled(job) or _is_cancelled(rebuilding.store, request.output, job):
        planner.cancel(job)
        collections.deque(missing, maxlen=0)  # they are looked at, and stay undone
    else:
        queue = planner.about(job)["queue"]
        republisher = Republisher(settings, planner, rebuilding.store, job, request, queue)
        sent = republisher.publish(missing)
        planner.save_cursor(job, result.windows, 0)  # what was planned is out, one way or another
        result.enqueued, result.shards = sent.files, sent.shards
    planned = read_planned(rebuilding.store, request.output, job)
    result.planned = planned == result.windows
    if before_ms is not None and (result.planned or planned is None):
        planner.correct_audio(job, rebuilding.audio.off_by(before_ms))
        planner.end_rebuilding(job)
    if result.planned:
        planner.end_publishing(job, result.windows)
    return result


def _read_request(
    store: ObjectStore, job: str, output: str | None, counts: JobCounts | None
) -> JobRequest:
    where = output or (counts.output if counts else "")
    request = read_request(store, where, job) if where else None
    if request is None:
        told = f"S3 holds no plan of job {job!r} below {where}"
        if not where:
            told = f"Redis does not know where the results of job {job!r} are: add --output"
        raise NoPlan(
            f"{told}. Jobs sent by another client have no plan and cannot be rebuilt: send the "
            "files without a result again"
        )
    return request


def _is_cancelled(store: ObjectStore, output: str, job: str) -> bool:
    try:
        store.read(job_uri(output, job, MARKER))
    except ObjectMissing:
        return False
    return True


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
class _Rebuilding:
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
            return FailureExample(
                kind=report["error"]["kind"],
                index=index,
                relative=ref.relative,
                message=str(report["error"]["message"])[:300],
            )
        except (StoreError, ValueError, KeyError, TypeError):
            return None  # it is tried again
