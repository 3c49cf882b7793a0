"""Retry a job: publish its failed files again, as shards of a new round."""

import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from funasr_fleet.broker.job_finalizer import SUCCESS
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, connect
from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import CannotRetry, PlannedFileInvalid
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.producer.jobs.status import check_whole, counts_of
from funasr_fleet.producer.planning.discover import WINDOW_FILES
from funasr_fleet.producer.planning.packing import PlannedFile, pack
from funasr_fleet.producer.planning.parts import planned_ref, read_parts
from funasr_fleet.producer.planning.request import JobRequest, read_request
from funasr_fleet.producer.progress.repair import repair_note
from funasr_fleet.producer.publishing.messages import ShardTemplate, open_publisher
from funasr_fleet.producer.publishing.publication import template_shard
from funasr_fleet.producer.routing import route_job
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.s3 import S3Store

_AT_ONCE = 100
"""Shards per round trip."""


@dataclass(frozen=True, kw_only=True)
class RetryResult:
    """Counts of the files and shards that were published again."""

    job: str
    files: int
    shards: int
    invalid: tuple[str, ...] = ()
    """The reason for each failed file that is not published: this release does not accept it."""


def retry(
    job: str, settings: Settings | None = None, store: ObjectStore | None = None
) -> RetryResult:
    """Publish the failed files of a job again.

    Raises:
        NoSuchJob: the ledger has no such job.
        CannotRetry: the job is cancelled, its plan in Redis is incomplete, or S3 has no plan.
        JobRefused: an earlier release accepted options that this one does not.
        AnotherProducer: another process is publishing the job.
        JobLost: Redis lost data of the job meanwhile: reconcile it.
        BrokerUnavailable: Redis is unavailable; call again for the rest.
        StoreError: an S3 request failed; call again for the rest.
    """
    settings, store = settings or Settings.load(), store or S3Store()
    redis, prefix = connect(settings), settings.key_prefix
    ledger, writer = LedgerReader(redis, prefix), JobWriter(redis, prefix)
    counts = _retryable(ledger, job)
    request = read_request(store, counts.output, job)
    if request is None:
        raise CannotRetry(
            f"S3 has no plan for job {job}: enqueue its files as a new job, or send their shards "
            "again if another client sent them"
        )
    queue = counts.queue or route_job(redis, settings, request.model).queue
    republisher = Republisher(settings, writer, store, job, request, queue)
    with JobLock(redis, prefix, job):
        # includes the files that a killed retry had reopened but not published
        wanted = {*ledger.indexes(job, "failed"), *ledger.indexes(job, "reopened")}
        invalid: list[str] = []
        files = _planned_files(store, counts.output, job, wanted, invalid) if wanted else ()
        result = replace(republisher.publish(files), invalid=tuple(invalid))
    check_whole(ledger, job, counts.output)  # else some failed files may not have been found
    return result


def _retryable(ledger: LedgerReader, job: str) -> JobCounts:
    counts = counts_of(ledger, job)
    if counts.cancelled_at:
        raise CannotRetry(f"job {job} was cancelled: enqueue its files as a new job")
    if note := repair_note(counts):  # the set of failed files is incomplete as well
        raise CannotRetry(note)
    return counts


def _planned_files(
    store: ObjectStore, output: str, job: str, wanted: set[int], invalid: list[str]
) -> Iterator[PlannedFile]:
    """The wanted files of the plan.

    Files that this release does not accept are left out, and their reasons are added to `invalid`.
    """
    for part in read_parts(store, output, job):
        for file in part.files:
            if file.index not in wanted:
                continue
            try:
                planned_ref(file)
            except PlannedFileInvalid as error:
                invalid.append(str(error))
            else:
                yield file


@dataclass(frozen=True)
class Republisher:
    """Publishes files of a job again, in shards with new names."""

    settings: Settings
    writer: JobWriter
    store: ObjectStore
    job: str
    request: JobRequest
    queue: str

    def publish(self, files: Iterable[PlannedFile]) -> RetryResult:
        """Reopen these files, whatever their outcome, and publish them.

        Raises:
            BrokerUnavailable: Redis is unavailable.
            StoreError: an S3 request failed.
        """
        template = ShardTemplate(template_shard(self.job, self.request))
        # random, so that names stay unique even if Redis has lost the round counter
        name_of = f"{self.job}-again-{secrets.token_hex(4)}-{{:06d}}".format
        numbers, sent = itertools.count(), 0
        with open_publisher(self.settings, self.queue, self.request.priority) as publisher:
            rest = iter(files)
            while window := list(itertools.islice(rest, WINDOW_FILES)):
                packed = pack(window, self.request.limits)
                while shards := list(itertools.islice(packed, _AT_ONCE)):
                    indexes = [file.index for shard in shards for file in shard]
                    self._reopen(indexes, first=sent == 0)
                    with publisher.batch(len(shards)):
                        for shard in shards:
                            name = name_of(next(numbers))
                            publisher.publish(name, template.body(name, (f.row for f in shard)))
                    self.writer.published_again(self.job, indexes)
                    sent += len(indexes)
        return RetryResult(job=self.job, files=sent, shards=next(numbers))

    def _reopen(self, indexes: Sequence[int], *, first: bool) -> None:
        """Reopen files; the first time, start a new round and delete the job's _SUCCESS marker."""
        if first:
            self.writer.next_round(self.job)
            self.store.delete(job_uri(self.request.output, self.job, SUCCESS))
        self.writer.reopen(self.job, indexes)
