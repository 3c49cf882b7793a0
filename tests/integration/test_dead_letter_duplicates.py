"""Messages with the ID of a dead letter: duplicates are ignored, others are processed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from funasr_fleet import drop_dead, requeue_dead
from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.ledger.keys import attempts_key, identity_of
from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import StoreUnavailable
from funasr_fleet.worker.app.task import run_shard
from funasr_fleet.worker.coordination.attempts import Attempts
from funasr_fleet.worker.error_handling import MAX_RETRIES
from tests.support.examples import a_shard
from tests.support.fake_child import FakeChild, FakeTask

ID = FakeTask().request.id


@dataclass
class Deliveries:
    """Delivers one shard to a child with the real attempts and dead letters."""

    settings: Settings
    redis: RedisClient
    child: FakeChild = field(default_factory=FakeChild)

    def __post_init__(self) -> None:
        self.shard = a_shard(self.child.bench.upload("a.wav"))

    def deliver(self, *, fails: bool = False) -> None:
        """Deliver the message; its audio cannot be read if it `fails`."""
        self.child.bench.store.failing_reads.clear()
        if fails:
            self.child.bench.store.failing_reads["s3://in/a.wav"] = StoreUnavailable("away")
        prefix = self.settings.key_prefix
        context = replace(
            self.child.context(),
            attempts=Attempts(self.redis, prefix),
            dead_letters=DeadLetters(self.redis, prefix),
        )
        task = FakeTask(retries=MAX_RETRIES if fails else 0)
        run_shard(task, self.shard.to_message(), context, max_attempts=3)

    def requeue(self) -> None:
        found = requeue_dead(ids=[ID], settings=self.settings, store=self.child.bench.store)
        assert found.requeued == 1

    @property
    def outcomes(self) -> Sequence[str]:
        return self.child.bench.outcomes

    @property
    def attempts_key(self) -> str:
        identity = identity_of(self.shard.output, self.shard.shard)
        return attempts_key(self.settings.key_prefix, identity)


@pytest.fixture
def deliveries(separate_fleet: Settings) -> Deliveries:
    return Deliveries(separate_fleet, connect(separate_fleet))


def test_a_duplicate_is_ignored_and_does_not_extend_the_record(deliveries: Deliveries) -> None:
    deliveries.deliver(fails=True)
    redis: Any = deliveries.redis
    redis.expire(deliveries.attempts_key, 100)
    deliveries.deliver()
    assert deliveries.outcomes == ["failed"]
    assert 0 < redis.ttl(deliveries.attempts_key) <= 100


def test_a_message_that_is_sent_again_after_a_drop_is_run(deliveries: Deliveries) -> None:
    deliveries.deliver(fails=True)
    assert drop_dead(ids=[ID], settings=deliveries.settings).dropped == 1
    deliveries.deliver()
    assert deliveries.outcomes == ["failed", "ok"]


def test_a_requeued_message_is_run(deliveries: Deliveries) -> None:
    deliveries.deliver(fails=True)
    deliveries.requeue()
    deliveries.deliver()
    assert deliveries.outcomes == ["failed", "ok"]


def test_a_message_is_run_that_is_requeued_while_its_job_is_finalized(
    deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def requeue_and_keep_letter(self: DeadLetters, letters: object) -> None:
        """A requeue publishes the message before it removes the dead letter."""

    finalize: Callable[[str], Any] = deliveries.child._close

    def close(job: str) -> Any:
        deliveries.requeue()
        return finalize(job)

    monkeypatch.setattr(deliveries.child, "_close", close)
    with monkeypatch.context() as patched:
        patched.setattr(DeadLetters, "remove", requeue_and_keep_letter)
        deliveries.deliver(fails=True)
    monkeypatch.setattr(deliveries.child, "_close", finalize)
    deliveries.deliver()
    assert deliveries.outcomes == ["failed", "ok"]
