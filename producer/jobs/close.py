"""Close a job of another client: tell the fleet how many files it has, so that it can end."""

import time
from collections.abc import Iterable

from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import OUTCOMES, JobWriter, LedgerReader, connect
from funasr_fleet.broker.ledger.reader import bits_of
from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.producer.errors import CannotClose
from funasr_fleet.producer.jobs.status import counts_of
from funasr_fleet.producer.planning.request import has_request
from funasr_fleet.producer.progress.measuring import reconcile_command, repair_note
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
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
    `files`, the job consists of the files that workers have finished, and nothing of it may wait.

    Args:
        job: name of the job.
        files: number of its files; their indexes are 0 to files - 1.
        output: prefix of its results; required if Redis does not have it.
        settings: read from the environment by default.
        store: S3 by default.

    Returns:
        The counters of the job; it may not be complete yet.

    Raises:
        NoSuchJob: the ledger has no such job.
        CannotClose: `fleet enqueue` sent the job, it is cancelled, or its number of files is wrong
            or unknown.
        BrokerUnavailable: Redis is unavailable.
        StoreError: an S3 request failed; call again.
    """
    settings, store = settings or Settings.load(), store or S3Store()
    redis, prefix = connect(settings), settings.key_prefix
    ledger, writer = LedgerReader(redis, prefix), JobWriter(redis, prefix)
    counts = counts_of(ledger, job)
    where = _closable(counts, output, store)
    indexes = _indexes(ledger, job)
    if files is None:
        queues = {settings.queue, *WorkerRegistry(redis, prefix).queues(time.time())}
        _check_nothing_waits(counts, sum(sum(ledger.backlog(queue)) for queue in queues))
        files = _number_of(job, indexes)
    elif indexes and max(indexes) >= files:
        raise CannotClose(
            f"job {job} has a file with the index {max(indexes)}: give at least "
            f"{max(indexes) + 1} as the number of files"
        )
    writer.declare(job, where, files)
    JobFinalizer(ledger, writer, store).close(job)
    return counts_of(ledger, job)


def _closable(counts: JobCounts, output: str | None, store: ObjectStore) -> str:
    """The output prefix of a job that another client sent and that is not cancelled."""
    job, where = counts.job, output or counts.output
    if counts.cancelled_at:
        raise CannotClose(f"job {job} was cancelled, so it needs no end")
    if counts.created_at and not counts.declared:
        ends = repair_note(counts) or "it ends when all of its files have an outcome"
        raise CannotClose(f"job {job} was sent by `fleet enqueue`: {ends}")
    if not where:
        raise CannotClose(f"Redis does not know the output prefix of job {job}: give it")
    if has_request(store, where, job):
        raise CannotClose(
            f"job {job} has a plan in S3: rebuild it with `{reconcile_command(job, where)}`"
        )
    return where


def _indexes(ledger: LedgerReader, job: str) -> set[int]:
    """Indexes of the files that have an outcome."""
    return {index for outcome in OUTCOMES for index in bits_of(ledger.bitmap(job, outcome))}


def _check_nothing_waits(counts: JobCounts, messages: int) -> None:
    waits = f"{counts.open_shards} shards of job {counts.job} are not finished"
    if not counts.open_shards:
        waits = f"{messages} messages are not finished, and some may be of job {counts.job}"
    if counts.open_shards or messages:
        raise CannotClose(
            f"{waits}: close it when the queues are empty, or give the number of files"
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
