"""Retry a job: its failed files wait again, as shards of a new round."""

import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contract.closing import SUCCESS
from contract.layout import job_uri
from contract.ledger import Ledger, Planner, connect
from contract.ledger.values import JobCounts
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore
from producer.claim import ProducerClaim
from producer.directing import direct
from producer.planning.packing import PlannedFile, pack
from producer.planning.parts import read_parts
from producer.planning.request import JobRequest, read_request
from producer.progress.repair import repair_note
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
        CannotRetry: the job was cancelled, Redis does not hold its whole plan, or S3 holds none.
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
    queue = counts.queue or direct(redis, settings, request.model).queue
    republisher = Republisher(settings, planner, store, job, request, queue)
    with ProducerClaim(redis, settings.key_prefix, job):
        # what a retry that was killed has reopened and not published is taken along
        wanted = {*ledger.indexes(job, "failed"), *ledger.indexes(job, "reopened")}
        found = _find(store, counts.output, job, wanted) if wanted else iter(())
        return republisher.publish(found)


def _known(ledger: Ledger, job: str) -> JobCounts:
    counts = ledger.counts(job)
    if counts is None:
        raise NoSuchJob(f"there is no job {job!r}; `fleet jobs` lists those that there are")
    if counts.cancelled_at:
        raise CannotRetry(f"job {job} was cancelled: enqueue its files as a new job")
    if note := repair_note(counts):  # which files failed is not known either
        raise CannotRetry(note)
    return counts


def _find(store: ObjectStore, output: str, job: str, wanted: set[int]) -> Iterator[PlannedFile]:
    for part in read_parts(store, output, job):
        yield from (file for file in part.files if file.index in wanted)


@dataclass(frozen=True)
class Republisher:
    """Publishes files of a job again, under names of their own."""

    settings: Settings
    planner: Planner
    store: ObjectStore
    job: str
    request: JobRequest
    queue: str

    def publish(self, files: Iterable[PlannedFile]) -> RetryResult:
        """Publish these; whatever had become of them, they wait again.

        Raises:
            BrokerUnavailable: Redis fails.
            StoreError: S3 fails.
        """
        template = ShardTemplate(template_shard(self.job, self.request))
        # a name that no earlier round had, also when Redis has forgotten how many there were
        name_of = f"{self.job}-again-{secrets.token_hex(4)}-{{:06d}}".format
        numbers, sent = itertools.count(), 0
        with open_publisher(self.settings, self.queue, self.request.priority) as publisher:
            for window in _batched(files, 10_000):
                for shards in _batched(pack(window, self.request.limits), _AT_ONCE):
                    indexes = [file.index for shard in shards for file in shard]
                    self._reopen(indexes, first=sent == 0)
                    with publisher.batch(len(shards)):
                        for shard in shards:
                            name = name_of(next(numbers))
                            publisher.publish(name, template.body(name, (f.row for f in shard)))
                    self.planner.published_again(self.job, indexes)
                    sent += len(indexes)
        return RetryResult(job=self.job, files=sent, shards=next(numbers))

    def _reopen(self, indexes: Sequence[int], *, first: bool) -> None:
        """The job goes on: its end, if it was written, is none any more."""
        if first:
            self.planner.next_round(self.job)
            self.store.delete(job_uri(self.request.output, self.job, SUCCESS))
        self.planner.reopen(self.job, indexes)


T = TypeVar("T")


def _batched(things: Iterable[T], most: int) -> Iterator[list[T]]:
    some = iter(things)
    while batch := list(itertools.islice(some, most)):
        yield batch
