"""Rebuild a job's ledger from S3, and publish again whatever has neither result nor error."""

import collections
from datetime import datetime

from contract.attempts_key import claim_key, identity_of
from contract.closing import Closer
from contract.layout import job_uri
from contract.ledger import Ledger, Planner, connect
from contract.ledger.values import JobCounts
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectMissing, ObjectStore
from producer.cancelling import MARKER
from producer.claim import ProducerClaim
from producer.directing import direct, revision_at
from producer.planning.request import JobRequest, read_begun, read_planned, read_request
from producer.rebuilding import Rebuilding, ReconcileResult
from producer.refusals import NoPlan
from producer.retrying import Republisher


def reconcile(
    job: str,
    *,
    output: str | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> ReconcileResult:
    """Bring the ledger to what S3 says, and publish what is missing.

    What still waits in the queue or is in work is published a second time; workers find what is
    done, and skip it. Open shards that no worker is processing no longer keep the job open.

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
        rebuilding = Rebuilding(store, planner, job, request, revision)
        result = _restore_and_publish(rebuilding, settings, before_ms)
        result.warnings += choice.warnings if result.enqueued else ()
        claims = claim_key(settings.key_prefix, identity_of(request.output, ""))
        planner.drop_unclaimed_shards(job, claims)
    if Closer(ledger, planner, store).close(job) == "held":
        told = f"another process is writing the end of {job}; if none follows, reconcile again"
        result.warnings.append(told)
    return result


def _restore_and_publish(
    rebuilding: Rebuilding, settings: Settings, before_ms: int | None
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
