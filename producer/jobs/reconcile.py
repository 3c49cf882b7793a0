"""Rebuild a job's ledger from S3 and enqueue the files with neither a result nor an error."""

import collections
from datetime import datetime

from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, connect
from funasr_fleet.broker.ledger.keys import claim_key, identity_of
from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import JobLost, NoPlan
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.producer.jobs.cancel import MARKER
from funasr_fleet.producer.jobs.rebuild import LedgerRebuild, ReconcileResult
from funasr_fleet.producer.jobs.retry import Republisher
from funasr_fleet.producer.planning.request import (
    JobRequest,
    read_planned,
    read_request,
    read_start_time,
)
from funasr_fleet.producer.progress.repair import lost_note
from funasr_fleet.producer.routing import revision_at, route_job
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing, ObjectStore
from funasr_fleet.storage.s3 import S3Store

_PASSES = 3
"""How often the ledger is rebuilt if keys of the job are lost meanwhile."""


def reconcile(
    job: str,
    *,
    output: str | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> ReconcileResult:
    """Make the ledger match S3, and publish the files without an outcome.

    Files that are still queued or in progress are published a second time; workers skip finished
    files. Open shards without a worker are dropped, so that the job can end. If Redis loses keys of
    the job meanwhile, the job is rebuilt again.

    Args:
        job: name of the job.
        output: prefix of its results; required if Redis has lost the job.
        settings: read from the environment by default.
        store: S3 by default.

    Raises:
        JobRefused: an earlier release accepted options that this one does not.
        NoPlan: S3 has no plan for the job, for example because another client sent it.
        AnotherProducer: another process is publishing the job.
        JobLost: Redis lost data of the job during each of several attempts; call again.
        BrokerUnavailable: Redis is unavailable; call again.
        StoreError: an S3 request failed; call again.
    """
    settings, store = settings or Settings.load(), store or S3Store()
    redis, prefix = connect(settings), settings.key_prefix
    ledger, writer = LedgerReader(redis, prefix), JobWriter(redis, prefix)
    request = _read_request(store, job, output, ledger.counts(job))
    lane = writer.about(job).get("queue")
    for _ in range(_PASSES):  # keys may be lost while the ledger is rebuilt
        with JobLock(redis, prefix, job):
            route = route_job(redis, settings, request.model, lane)
            lane = lane or route.queue
            before_ms = _begin(ledger, writer, store, job, request, lane)
            revision = revision_at(redis, settings, route)
            rebuild = LedgerRebuild(store, writer, job, request, revision)
            result, expect_whole = _restore_and_publish(rebuild, settings, lane, before_ms)
            result.warnings += route.warnings if result.enqueued else ()
            claims = claim_key(prefix, identity_of(request.output, ""))
            writer.drop_unclaimed_shards(job, claims)
        if JobFinalizer(ledger, writer, store).close(job) == "held":
            result.warnings.append(
                f"another process is finalizing job {job}; if the job stays open, reconcile it "
                "again"
            )
        counts = ledger.counts(job)
        if counts and counts.created_at and (counts.whole or not expect_whole):
            return result
    raise JobLost(lost_note(job, request.output))


def _begin(
    ledger: LedgerReader,
    writer: JobWriter,
    store: ObjectStore,
    job: str,
    request: JobRequest,
    lane: str,
) -> int | None:
    """Prepare the ledger of the job.

    Returns its audio sum before the rebuild, in ms; None if the ledger is complete and is kept.
    """
    started_at = datetime.fromisoformat(read_start_time(store, request.output, job)).timestamp()
    about = {"request": request.digest, "queue": lane}
    counts = ledger.counts(job)
    if counts and counts.whole:  # do not recount: S3 may know less than a complete ledger
        writer.complete_fields(job, request.output, at=started_at, **about)
        return None
    return writer.rebuild(job, request.output, at=started_at, **about)


def _restore_and_publish(
    rebuild: LedgerRebuild, settings: Settings, lane: str, before_ms: int | None
) -> tuple[ReconcileResult, bool]:
    """Restore the ledger and publish the rest.

    Args:
        rebuild: the job to restore.
        settings: passed to the publisher.
        lane: lane of the messages.
        before_ms: see _begin.

    Returns:
        The counts, and whether the ledger must now be whole: not if S3 has lost parts of the plan.
    """
    writer, job, request = rebuild.writer, rebuild.job, rebuild.request
    result = ReconcileResult(job=job)
    missing = rebuild.restore(result)
    if writer.is_cancelled(job) or _is_cancelled(rebuild.store, request.output, job):
        writer.cancel(job)
        result.cancelled = True
        collections.deque(missing, maxlen=0)  # consume the iterator, publish nothing
    else:
        republisher = Republisher(settings, writer, rebuild.store, job, request, lane)
        sent = republisher.publish(missing)
        writer.save_cursor(job, result.windows, 0)  # every planned file is published or finished
        result.enqueued, result.shards = sent.files, sent.shards
    planned = read_planned(rebuild.store, request.output, job)
    result.planned = planned == result.windows
    has_every_part = result.planned or planned is None
    if before_ms is not None and has_every_part:
        writer.correct_audio(job, rebuild.done_ms - rebuild.added_ms - before_ms)
        writer.end_rebuilding(job)
    if result.planned:
        writer.end_publishing(job, result.windows)
    return result, has_every_part


def _read_request(
    store: ObjectStore, job: str, output: str | None, counts: JobCounts | None
) -> JobRequest:
    where = output or (counts.output if counts else "")
    request = read_request(store, where, job) if where else None
    if request is None:
        reason = f"S3 has no plan for job {job!r} below {where}"
        if not where:
            reason = f"Redis does not know the output prefix of job {job!r}: pass it"
        raise NoPlan(
            f"{reason}. Jobs sent by another client have no plan and cannot be rebuilt: send the "
            "files without a result again"
        )
    return request


def _is_cancelled(store: ObjectStore, output: str, job: str) -> bool:
    try:
        store.read(job_uri(output, job, MARKER))
    except ObjectMissing:
        return False
    return True
