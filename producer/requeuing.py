"""Requeue dead letters: the same messages go out again, and their jobs go on."""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.attempts_key import forget_attempts, identity_of
from contract.dead_letters import DeadLetter, DeadLetters
from contract.job import MalformedShard, Shard
from contract.ledger import Ledger, Planner, connect
from contract.queues import lanes
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore
from producer.dead import Chosen
from producer.publishing.messages import Publisher, document_body, open_publisher
from producer.refusals import CannotRequeue
from producer.reopening import JobSeen, JobsSeen

MOST_TOLD = 1000
"""Refused letters of which the reason is kept."""

_MISSING = "there is no such dead letter; `fleet dead list` shows those that there are"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A letter that was left where it is."""

    message_id: str
    why: str


@dataclass(kw_only=True)
class RequeueResult:
    """What was published again."""

    requeued: int = 0
    """Letters."""
    files: int = 0
    """Files of their shards."""
    refused: int = 0
    """Letters that were left where they are."""
    refusals: list[Refused] = field(default_factory=list)
    """The first of them."""

    def refuse(self, message_id: str, why: str) -> None:
        """Take down a letter that cannot be requeued."""
        self.refused += 1
        if len(self.refusals) < MOST_TOLD:
            self.refusals.append(Refused(message_id=message_id, why=why))


def requeue_dead(
    *,
    ids: Sequence[str] = (),
    job: str | None = None,
    everything: bool = False,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> RequeueResult:
    """Publish dead letters again: these, or those of a job, or all.

    A letter is removed when its message is out. A call that is killed between the two leaves it,
    and the next one publishes it a second time; workers skip what is done.

    Raises:
        NothingChosen: it is not said which.
        BrokerUnavailable: Redis fails; call it again for what is left.
        StoreError: S3 fails; likewise.
    """
    chosen, result = Chosen.of(ids, job, everything), RequeueResult()
    settings = settings or Settings.load()
    redis = connect(settings)
    letters = DeadLetters(redis, settings.key_prefix)
    with _Requeuing(settings, redis, store or S3Store(), result) as requeuing:
        for batch in chosen.batches(letters, lambda one: result.refuse(one, _MISSING)):
            letters.remove(requeuing.publish(batch))
    return result


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A letter that can go out."""

    letter: DeadLetter
    shard: Shard
    queue: str
    priority: int


class _Requeuing:
    """One call. A job's claim is not taken: somebody may be enqueuing it for hours yet."""

    def __init__(
        self, settings: Settings, redis: Any, store: ObjectStore, result: RequeueResult
    ) -> None:
        self._settings, self._redis, self._result = settings, redis, result
        self._planner = Planner(redis, settings.key_prefix)
        self._jobs = JobsSeen(Ledger(redis, settings.key_prefix), self._planner, store)
        self._publishers: dict[tuple[str, int], Publisher] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> "_Requeuing":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def publish(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """Publish those that can be; returns them."""
        ready = [one for letter in letters if (one := self._prepare(letter))]
        reopened = {job: self._jobs.reopen(job, some) for job, some in _by_job(ready).items()}
        for one in ready:
            identity = identity_of(one.shard.output, one.shard.shard)
            forget_attempts(self._redis, self._settings.key_prefix, identity)
        self._send(ready)
        for job, indexes in reopened.items():
            self._planner.published_again(job, indexes)
        self._result.requeued += len(ready)
        self._result.files += sum(len(one.shard.files) for one in ready)
        return [one.letter for one in ready]

    def _prepare(self, letter: DeadLetter) -> _Ready | None:
        try:
            shard = Shard.from_message(letter.document)
            job = self._jobs.of(shard)
            queue = self._queue_of(letter, job)
        except MalformedShard as error:
            why = f"no worker could take it ({error}): drop it, and send a correct one"
        except CannotRequeue as error:
            why = str(error)
        else:
            return _Ready(letter=letter, shard=shard, queue=queue, priority=job.priority)
        self._result.refuse(letter.message_id, why)
        return None

    def _queue_of(self, letter: DeadLetter, job: JobSeen) -> str:
        """Where workers take it from."""
        if job.queue:
            return job.queue
        if letter.queue and letter.queue not in lanes(self._settings.queue):
            raise CannotRequeue(
                f"it came by queue {letter.queue}, which is none of {self._settings.queue}: "
                "set FLEET_QUEUE to the queue of the workers that shall have it"
            )
        return letter.queue or self._settings.queue

    def _send(self, ready: Iterable[_Ready]) -> None:
        together: defaultdict[tuple[str, int], list[_Ready]] = defaultdict(list)
        for one in ready:
            together[one.queue, one.priority].append(one)
        for (queue, priority), some in together.items():
            publisher = self._publisher(queue, priority)
            with publisher.batch(len(some)):
                for one in some:
                    publisher.publish(one.letter.message_id, document_body(one.letter.document))

    def _publisher(self, queue: str, priority: int) -> Publisher:
        if (queue, priority) not in self._publishers:
            way = open_publisher(self._settings, queue, priority)
            self._publishers[queue, priority] = self._open.enter_context(way)
        return self._publishers[queue, priority]


def _by_job(ready: Iterable[_Ready]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for one in ready:
        if one.shard.job is not None:
            found[one.shard.job] += [f.index for f in one.shard.files if f.index is not None]
    return found
