"""Requeue dead letters: publish the same messages again and reopen their jobs."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, connect, reached
from funasr_fleet.broker.ledger.keys import attempts_key, identity_of
from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.contract.job import MalformedShard, Shard
from funasr_fleet.contract.queues import lanes
from funasr_fleet.contract.shard_message import read_shard
from funasr_fleet.producer.dead_letters.jobs import JobCache, JobInfo
from funasr_fleet.producer.dead_letters.select import Selection
from funasr_fleet.producer.errors import CannotRequeue
from funasr_fleet.producer.publishing.messages import Publisher, document_body, open_publisher
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.s3 import S3Store

MAX_REFUSALS = 1000
"""Maximum number of refused dead letters whose reason is kept."""

_MISSING = "there is no such dead letter; `fleet dead list` shows the existing ones"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A dead letter that cannot be requeued and is kept."""

    message_id: str
    why: str


@dataclass(kw_only=True)
class RequeueResult:
    """Counts of one requeue call."""

    requeued: int = 0
    """Dead letters that were published again."""
    files: int = 0
    """Files in the shards of these dead letters."""
    refused: int = 0
    """Dead letters that cannot be requeued and are kept."""
    refusals: list[Refused] = field(default_factory=list)
    """The first refused dead letters, up to MAX_REFUSALS."""

    def refuse(self, message_id: str, why: str) -> None:
        """Record a dead letter that cannot be requeued."""
        self.refused += 1
        if len(self.refusals) < MAX_REFUSALS:
            self.refusals.append(Refused(message_id=message_id, why=why))


def requeue_dead(
    *,
    ids: Sequence[str] = (),
    job: str | None = None,
    everything: bool = False,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> RequeueResult:
    """Publish dead letters again: those with these ids, those of a job, or all.

    Dead letters that cannot be requeued are kept, such as those of a job whose output fails in S3.
    A dead letter is removed after its message is published. If the call is killed in between, the
    next call publishes the message a second time; workers skip finished files.

    Raises:
        NothingChosen: not exactly one of ids, job and everything is given.
        BrokerUnavailable: Redis is unavailable; call again for the rest.
        StoreError: storage cannot be reached, or an AWS_* variable is invalid; call again for the
            rest.
    """
    selection, result = Selection.of(ids, job, everything), RequeueResult()
    settings = settings or Settings.load()
    redis = connect(settings)
    dead_letters = DeadLetters(redis, settings.key_prefix)
    with _Requeuer(settings, redis, store or S3Store(), result) as requeuer:
        for batch in selection.batches(dead_letters, lambda one: result.refuse(one, _MISSING)):
            for letter in batch:  # not several at once: a document may take 500 MB of memory
                if requeuer.requeue(letter):
                    dead_letters.remove([letter])
    return result


class _Requeuer:
    """One requeue call. It does not take the job lock: a producer may hold it for hours."""

    def __init__(
        self, settings: Settings, redis: RedisClient, store: ObjectStore, result: RequeueResult
    ) -> None:
        self._settings, self._redis, self._result = settings, redis, result
        self._writer = JobWriter(redis, settings.key_prefix)
        self._jobs = JobCache(LedgerReader(redis, settings.key_prefix), self._writer, store)
        self._publishers: dict[tuple[str, int], Publisher] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> "_Requeuer":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def requeue(self, letter: DeadLetter) -> bool:
        """Publish a dead letter; False if that is not possible, with the reason in the result."""
        try:
            shard = _valid_part(letter.document)
            job = self._jobs.of(shard)
            queue = self._queue_of(letter, job)
        except MalformedShard as error:
            why = f"it is not a valid shard ({error}): drop it and send a correct message"
        except CannotRequeue as error:
            why = str(error)
        else:
            self._publish(letter, shard, job, queue)
            return True
        self._result.refuse(letter.message_id, why)
        return False

    def _publish(self, letter: DeadLetter, shard: Shard, job: JobInfo, queue: str) -> None:
        indexes = [one.index for one in shard.files if one.index is not None]
        reopened = self._jobs.reopen(shard.job, indexes) if shard.job and job.known else []
        # the attempts of the shard are counted from zero again
        identity = identity_of(shard.output, shard.shard)
        reached(self._redis.delete, attempts_key(self._settings.key_prefix, identity))
        publisher = self._publisher(queue, job.priority)
        publisher.publish(letter.message_id, document_body(letter.document))
        if shard.job:
            self._writer.published_again(shard.job, reopened)
        self._result.requeued += 1
        self._result.files += len(shard.files)

    def _queue_of(self, letter: DeadLetter, job: JobInfo) -> str:
        """The job's lane, else the letter's queue, else the settings' queue.

        Raises:
            CannotRequeue: the letter's queue is not a lane of the settings' queue.
        """
        if job.queue:
            return job.queue
        if letter.queue and letter.queue not in lanes(self._settings.queue):
            raise CannotRequeue(
                f"it came from queue {letter.queue}, which is not a lane of "
                f"{self._settings.queue}: set FLEET_QUEUE to the queue of the workers that should "
                "process it"
            )
        return letter.queue or self._settings.queue

    def _publisher(self, queue: str, priority: int) -> Publisher:
        if (queue, priority) not in self._publishers:
            opened = open_publisher(self._settings, queue, priority)
            self._publishers[queue, priority] = self._open.enter_context(opened)
        return self._publishers[queue, priority]


def _valid_part(document: object) -> Shard:
    """The shard with its valid files. Raises MalformedShard if it has none.

    Workers record the invalid files as failed, without failing the others.
    """
    shard, invalid = read_shard(document)
    if not shard.files:
        raise MalformedShard(f"no entry of its files is valid; {invalid[0].reason}")
    return shard
