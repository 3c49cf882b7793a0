"""Retry a job: its failed files wait again, as shards of a new round."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from contract.ledger import Ledger, Planner, connect
from contract.ledger.values import JobCounts
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore
from producer.claim import ProducerClaim
from producer.planning.packing import PlannedFile, pack
from producer.planning.parts import read_parts
from producer.planning.request import JobRequest, read_request
from producer.publishing.messages import ShardTemplate, open_publisher
from producer.publishing.publication import template_shard
from producer.refusals import CannotRetry, NoSuchJob

_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class RetryResult:
    """What was published again."""

    job: str
    files: int
    shards: int


def retry(
    job: str, settings: Settings | None = None, store: ObjectStore | None = None
) -> RetryResult:
    """Publish the failed files of a job again.

    Raises:
        NoSuchJob: the ledger does not know it.
        CannotRetry: the job was cancelled, or S3 holds no plan of it.
        AnotherProducer: somebody else is publishing the job.
        BrokerUnavailable: Redis fails; call it again for what is left.
        StoreError: S3 fails; likewise.
    """
    settings, store = settings or Settings.load(), store or S3Store()
    redis = connect(settings)
    ledger, planner = Ledger(redis, settings.key_prefix), Planner(redis, settings.key_prefix)
    counts = _known(ledger, job)
    request = read_request(store, counts.output, job)
    if request is None:
        raise CannotRetry(f"S3 holds no plan of job {job}: enqueue its files as a new job")
    republisher = Republisher(settings, planner, job, request, counts.queue or settings.queue)
    with ProducerClaim(redis, settings.key_prefix, job):
        failed = set(ledger.indexes(job, "failed"))
        found = _find(store, counts.output, job, failed) if failed else iter(())
        return republisher.publish(found, planner.next_round(job))


def _known(ledger: Ledger, job: str) -> JobCounts:
    counts = ledger.counts(job)
    if counts is None:
        raise NoSuchJob(f"there is no job {job!r}; `fleet jobs` lists those that there are")
    if counts.cancelled_at:
        raise CannotRetry(f"job {job} was cancelled: enqueue its files as a new job")
    return counts


def _find(store: ObjectStore, output: str, job: str, wanted: set[int]) -> Iterator[PlannedFile]:
    for part in read_parts(store, output, job):
        yield from (file for file in part.files if file.index in wanted)


@dataclass(frozen=True)
class Republisher:
    """Publishes files of a job again, under names of their own."""

    settings: Settings
    planner: Planner
    job: str
    request: JobRequest
    queue: str

    def publish(self, files: Iterable[PlannedFile], again: int) -> RetryResult:
        """Publish these; those that had failed wait again.

        Args:
            files: what is to be done.
            again: the how-manieth time files of this job are published again.

        Raises:
            BrokerUnavailable: Redis fails.
        """
        template = ShardTemplate(template_shard(self.job, self.request))
        numbers, sent = itertools.count(), 0
        with open_publisher(self.settings, self.queue, self.request.priority) as publisher:
            for window in _batched(files, 10_000):
                for shards in _batched(pack(window, self.request.limits), _AT_ONCE):
                    self.planner.reopen(self.job, [f.index for shard in shards for f in shard])
                    with publisher.batch(len(shards)):
                        for shard in shards:
                            name = f"{self.job}-again{again}-{next(numbers):06d}"
                            publisher.publish(name, template.body(name, (f.row for f in shard)))
                            sent += len(shard)
        return RetryResult(job=self.job, files=sent, shards=next(numbers))


T = TypeVar("T")


def _batched(things: Iterable[T], most: int) -> Iterator[list[T]]:
    some = iter(things)
    while batch := list(itertools.islice(some, most)):
        yield batch
