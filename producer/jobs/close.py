"""Close a job of another client: declare its number of files, so that the job can end."""

import time
from collections.abc import Iterable, Mapping

from funasr_fleet.broker.job_finalizer import SUCCESS, JobFinalizer, has_unindexed_failure
from funasr_fleet.broker.ledger import OUTCOMES, JobWriter, LedgerReader, connect
from funasr_fleet.broker.ledger.bitmaps import bits_of
from funasr_fleet.broker.ledger.keys import claim_key, identity_of
from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.job import MAX_INDEX
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.arguments import check_number, check_prefix
from funasr_fleet.producer.errors import CannotClose, JobLost
from funasr_fleet.producer.jobs.status import counts_of
from funasr_fleet.producer.planning.request import has_request
from funasr_fleet.producer.progress.humanize import number_of
from funasr_fleet.producer.progress.repair import reconcile_command, repair_note, unindexed_note
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.job_documents import read_records
from funasr_fleet.storage.s3 import S3Store


def close(
    job: str,
    *,
    files: int | None = None,
    output: str | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> JobCounts:
    """Set the number of files of a job that another client sends, so that the job can end.

    Its report is written when every file has an outcome: now, or when its last shard ends. Without
    `files`, the job consists of the files that have an outcome; no shard of it may be open, and the
    queues must be empty. With empty queues, open shards that no worker has locked are dropped.

    Args:
        job: name of the job.
        files: number of its files; their indexes are 0 to files - 1.
        output: prefix of its results; required if Redis does not have it.
        settings: read from the environment by default.
        store: S3 by default.

    Returns:
        The counters of the job; it may not be complete yet.

    Raises:
        BadArgument: an argument is invalid.
        NoSuchJob: the ledger has no such job.
        CannotClose: the job cannot be closed; the message says why. For example, `fleet enqueue`
            sent it, it is cancelled, files have no index, or `files` is missing while
            messages are waiting.
        JobLost: Redis lost data of the job meanwhile.
        BrokerUnavailable: Redis is unavailable.
        StoreError: an S3 request failed; call again.
    """
    check_number("files", files, 1, MAX_INDEX + 1, whole=True)
    if output is not None:
        check_prefix("output", output)
    settings, store = settings or Settings.load(), store or S3Store()
    redis, prefix = connect(settings), settings.key_prefix
    ledger, writer = LedgerReader(redis, prefix), JobWriter(redis, prefix)
    counts = counts_of(ledger, job)
    where = _closable(counts, output, store)
    indexes = _indexes(ledger, job)
    messages = _messages(settings, ledger)
    if files is None:
        _check_nothing_waits(counts, messages)
        in_s3 = read_records(store, job_uri(where, job, "shards/"))
        known = indexes.issuperset(one.index for one in in_s3 if one.index is not None)
        _check_nothing_is_lost(counts, indexes, writer.about(job), known=known)
        files = _number_of(job, indexes)
    else:
        _check_indexes(job, indexes, files)
    if outdated := writer.declare(job, where, files):
        store.delete(job_uri(outdated, job, SUCCESS))
        writer.marker_deleted(job)
    if not messages:  # the messages of shards without a lock are lost
        writer.drop_unclaimed_shards(job, claim_key(prefix, identity_of(where, "")))
    JobFinalizer(ledger, writer, store).close(job)
    return _declared(ledger, job, files)


def _declared(ledger: LedgerReader, job: str, files: int) -> JobCounts:
    """The counters of the job that was declared. Raises JobLost if Redis has lost them since."""
    counts = ledger.counts(job)
    if counts is None or not counts.declared:
        raise JobLost(
            f"Redis lost data of job {job} while this command worked on it: send its files again "
            "(workers skip those that have a result), then declare their number with "
            f"`fleet close {job} --files {files}`"
        )
    return counts


def _closable(counts: JobCounts, output: str | None, store: ObjectStore) -> str:
    """The output prefix of the job. Raises CannotClose unless another client sent it."""
    job, where = counts.job, output or counts.output
    if counts.cancelled_at:
        raise CannotClose(f"job {job} was cancelled and cannot be closed")
    if counts.created_at and not counts.declared:
        ends = repair_note(counts) or "it ends when all of its files have an outcome"
        raise CannotClose(f"job {job} was sent by `fleet enqueue`: {ends}")
    if not where:
        raise CannotClose(f"Redis does not know the output prefix of job {job}: pass it")
    if has_request(store, where, job):
        raise CannotClose(
            f"job {job} has a plan in S3: rebuild it with `{reconcile_command(job, where)}`"
        )
    if counts.unindexed or has_unindexed_failure(store, where, job):
        raise CannotClose(unindexed_note(job))
    return where


def _messages(settings: Settings, ledger: LedgerReader) -> int:
    """Number of messages of all jobs, ready or unacknowledged, in the queues of the fleet."""
    registry = WorkerRegistry(connect(settings), settings.key_prefix)
    queues = {settings.queue, *registry.queues(time.time())}
    return sum(sum(ledger.backlog(queue)) for queue in queues)


def _indexes(ledger: LedgerReader, job: str) -> set[int]:
    """Indexes of the files that have an outcome."""
    return {index for outcome in OUTCOMES for index in bits_of(ledger.bitmap(job, outcome))}


def _check_indexes(job: str, indexes: set[int], files: int) -> None:
    """Check that the indexes of the files are below their number."""
    if indexes and max(indexes) >= files:
        raise CannotClose(
            f"job {job} has a file with the index {max(indexes)}: pass at least "
            f"{max(indexes) + 1} as the number of files"
        )


def _check_nothing_is_lost(
    counts: JobCounts, indexes: set[int], about: Mapping[str, str], *, known: bool
) -> None:
    """Check that Redis has all recorded outcomes; `known` says whether it has those in S3."""
    # three reads: keys may be lost in between
    is_same = len(indexes) == counts.finished == int(about.get("recorded", 0))
    if not (known and counts.output and is_same):
        raise CannotClose(
            f"Redis has lost data of job {counts.job}, so its number of files is not known: pass it"
        )


def _check_nothing_waits(counts: JobCounts, messages: int) -> None:
    waits = f"{number_of(counts.open_shards, 'shard')} of job {counts.job} not finished"
    if not counts.open_shards:
        waits = f"{number_of(messages, 'message')} not finished, perhaps of job {counts.job}"
    if counts.open_shards or messages:
        raise CannotClose(
            f"{waits}: close the job when the queues are empty, or pass the number of files"
        )


def _number_of(job: str, indexes: Iterable[int]) -> int:
    """The number of files with the indexes 0, 1, ... without a gap."""
    found = sorted(indexes)
    missing = next((n for n, index in enumerate(found) if n != index), None)
    if missing is not None:
        raise CannotClose(
            f"job {job} has no outcome for the file with the index {missing}: send it again"
        )
    if not found:
        raise CannotClose(
            f"no file of job {job} has an outcome and an index: give the number of files"
        )
    return len(found)
