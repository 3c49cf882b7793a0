"""Shard locks and attempt counts in a real Valkey."""

import uuid
from typing import Any

import pytest

from funasr_fleet.broker.ledger import connect
from funasr_fleet.settings import Settings
from funasr_fleet.worker.coordination.attempts import Attempt, Attempts
from funasr_fleet.worker.coordination.shard_lock import ShardLock, lock_owner

SHARD = "s3://out/prefix/night-000000"
ONE, OTHER = lock_owner("worker-a", 7), lock_owner("worker-b", 7)


@pytest.fixture
def redis(settings: Settings) -> Any:
    return connect(settings)


@pytest.fixture
def prefix() -> str:
    return f"{uuid.uuid4()}:"


@pytest.fixture
def locks(redis: Any, prefix: str) -> ShardLock:
    return ShardLock(redis, prefix, lease_s=60.0)


@pytest.fixture
def attempts(redis: Any, prefix: str) -> Attempts:
    return Attempts(redis, prefix)


def test_only_one_process_locks_a_shard_and_others_get_the_remaining_time(
    locks: ShardLock,
) -> None:
    assert locks.take(SHARD, ONE) == 0
    assert 50 < locks.take(SHARD, OTHER) <= 60
    locks.release(SHARD, ONE)
    assert locks.take(SHARD, OTHER) == 0


def test_the_owner_can_take_its_lock_again(locks: ShardLock) -> None:
    assert locks.take(SHARD, ONE) == locks.take(SHARD, ONE) == 0


def test_locks_of_different_shards_are_independent(locks: ShardLock) -> None:
    assert locks.take(SHARD, ONE) == 0
    assert locks.take(SHARD + "1", OTHER) == 0


def test_a_lock_cannot_be_released_or_renewed_by_another_process(locks: ShardLock) -> None:
    locks.take(SHARD, ONE)
    locks.release(SHARD, OTHER)
    assert not locks.renew(SHARD, OTHER)
    assert locks.take(SHARD, OTHER) > 0


def test_a_lock_expires_unless_it_is_renewed(redis: Any, prefix: str, locks: ShardLock) -> None:
    locks.take(SHARD, ONE)
    key = f"{prefix}fleet:claim:{SHARD}"
    redis.pexpire(key, 1000)
    assert locks.renew(SHARD, ONE)
    assert redis.pttl(key) > 50_000
    redis.delete(key)  # as if it had expired
    assert locks.take(SHARD, OTHER) == 0
    assert not locks.renew(SHARD, ONE)


def test_a_lock_that_redis_lost_is_reacquired_on_renewal(
    redis: Any, prefix: str, locks: ShardLock
) -> None:
    locks.take(SHARD, ONE)
    redis.delete(f"{prefix}fleet:claim:{SHARD}")
    assert locks.renew(SHARD, ONE)
    assert locks.take(SHARD, OTHER) > 0


def begun(attempts: Attempts, *names: str) -> Attempt:
    return [attempts.begin(SHARD, name) for name in names][-1]


def test_each_attempt_that_does_not_end_counts_as_a_death(attempts: Attempts) -> None:
    seen = [begun(attempts, name) for name in "abc"]
    assert [(one.number, one.deaths, one.last_death) for one in seen] == [
        (1, 0, ""),
        (2, 1, ""),
        (3, 2, ""),
    ]


def test_an_attempt_that_is_begun_repeatedly_is_counted_once(attempts: Attempts) -> None:
    assert begun(attempts, "a", "a", "a").deaths == 0
    assert (begun(attempts, "b", "b").number, begun(attempts, "b").deaths) == (2, 1)


def test_a_discarded_attempt_does_not_count_as_a_death(attempts: Attempts) -> None:
    begun(attempts, "a")
    attempts.discard_attempt(SHARD, "a")
    attempts.discard_attempt(SHARD, "a")
    again = begun(attempts, "b", "c")
    assert (again.number, again.deaths) == (3, 1)


def test_discarding_an_attempt_that_is_not_running_has_no_effect(attempts: Attempts) -> None:
    attempts.discard_attempt(SHARD, "a")
    begun(attempts, "a")
    attempts.end(SHARD)
    attempts.discard_attempt(SHARD, "a")
    assert begun(attempts, "b", "c").deaths == 1


def test_a_duplicate_of_a_dead_lettered_shard_keeps_its_death_count(
    redis: Any, prefix: str, attempts: Attempts
) -> None:
    begun(attempts, "a", "b", "c", "d")
    attempts.resolve(SHARD, "d")
    (key,) = redis.keys(f"{prefix}*")
    assert 0 < redis.ttl(key) <= 3600
    assert begun(attempts, "e").deaths == 3


def test_the_message_of_a_dead_lettered_shard_is_remembered_for_an_hour(
    redis: Any, prefix: str, attempts: Attempts
) -> None:
    begun(attempts, "a")
    assert attempts.rejected(SHARD) == ""
    attempts.reject(SHARD, "a", "message-1")
    assert attempts.rejected(SHARD) == "message-1"
    (key,) = redis.keys(f"{prefix}*")
    assert 0 < redis.ttl(key) <= 3600
    assert begun(attempts, "b").deaths == 0


def test_the_message_of_a_dead_letter_that_was_requeued_before_is_not_remembered(
    redis: Any, prefix: str, attempts: Attempts
) -> None:
    begun(attempts, "a")
    attempts.end(SHARD)  # as a requeue does
    attempts.reject(SHARD, "a", "message-1")
    assert attempts.rejected(SHARD) == ""
    assert redis.keys(f"{prefix}*") == []


def test_a_shard_that_ended_starts_again_with_no_deaths(attempts: Attempts) -> None:
    begun(attempts, "a")
    attempts.record_crash(SHARD, "signal 9")
    attempts.end(SHARD)
    assert begun(attempts, "b") == Attempt(attempt_id="b", number=1, deaths=0, last_death="")


def test_the_first_recorded_cause_of_a_crash_is_kept(attempts: Attempts) -> None:
    """The parent records why it kills a child before the signal is found."""
    begun(attempts, "a")
    attempts.record_crash(SHARD, "killed: no progress for 300 s")
    attempts.record_crash(SHARD, "signal 9 (SIGKILL)")
    assert begun(attempts, "b").last_death == "killed: no progress for 300 s"
    attempts.record_crash(SHARD, "exitcode 1")
    assert begun(attempts, "c").last_death == "exitcode 1"


def test_a_crash_of_a_shard_that_is_not_running_is_not_recorded(
    redis: Any, prefix: str, attempts: Attempts
) -> None:
    attempts.record_crash(SHARD, "signal 9")
    assert redis.keys(f"{prefix}*") == []
