"""Who works on a shard, and how often it was begun, in a real Valkey."""

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
def claims(redis: Any, prefix: str) -> ShardLock:
    return ShardLock(redis, prefix, lease_s=60.0)


@pytest.fixture
def attempts(redis: Any, prefix: str) -> Attempts:
    return Attempts(redis, prefix)


def test_only_one_process_holds_a_shard_and_the_other_learns_for_how_long(
    claims: ShardLock,
) -> None:
    assert claims.take(SHARD, ONE) == 0
    assert 50 < claims.take(SHARD, OTHER) <= 60
    claims.release(SHARD, ONE)
    assert claims.take(SHARD, OTHER) == 0


def test_who_holds_it_may_take_it_again(claims: ShardLock) -> None:
    assert claims.take(SHARD, ONE) == claims.take(SHARD, ONE) == 0


def test_shards_do_not_stand_in_each_other_s_way(claims: ShardLock) -> None:
    assert claims.take(SHARD, ONE) == 0
    assert claims.take(SHARD + "1", OTHER) == 0


def test_nobody_releases_or_renews_what_another_holds(claims: ShardLock) -> None:
    claims.take(SHARD, ONE)
    claims.release(SHARD, OTHER)
    assert not claims.renew(SHARD, OTHER)
    assert claims.take(SHARD, OTHER) > 0


def test_a_claim_runs_out_unless_it_is_renewed(redis: Any, prefix: str, claims: ShardLock) -> None:
    claims.take(SHARD, ONE)
    key = f"{prefix}fleet:claim:{SHARD}"
    redis.pexpire(key, 1000)
    assert claims.renew(SHARD, ONE)
    assert redis.pttl(key) > 50_000
    redis.delete(key)  # as if it had run out
    assert claims.take(SHARD, OTHER) == 0
    assert not claims.renew(SHARD, ONE)


def test_a_claim_that_vanished_with_redis_is_taken_again(
    redis: Any, prefix: str, claims: ShardLock
) -> None:
    claims.take(SHARD, ONE)
    redis.delete(f"{prefix}fleet:claim:{SHARD}")
    assert claims.renew(SHARD, ONE)
    assert claims.take(SHARD, OTHER) > 0


def begun(attempts: Attempts, *names: str) -> Attempt:
    return [attempts.begin(SHARD, name) for name in names][-1]


def test_a_shard_that_never_ends_has_died_each_time_before(attempts: Attempts) -> None:
    seen = [begun(attempts, name) for name in "abc"]
    assert [(one.number, one.deaths, one.last_death) for one in seen] == [
        (1, 0, ""),
        (2, 1, ""),
        (3, 2, ""),
    ]


def test_a_beginning_counts_once_however_often_redis_was_told(attempts: Attempts) -> None:
    assert begun(attempts, "a", "a", "a").deaths == 0
    assert (begun(attempts, "b", "b").number, begun(attempts, "b").deaths) == (2, 1)


def test_what_was_broken_off_on_purpose_is_no_death(attempts: Attempts) -> None:
    begun(attempts, "a")
    attempts.discard_attempt(SHARD, "a")
    attempts.discard_attempt(SHARD, "a")
    again = begun(attempts, "b", "c")
    assert (again.number, again.deaths) == (3, 1)


def test_what_was_not_begun_or_has_ended_is_not_forgiven(attempts: Attempts) -> None:
    attempts.discard_attempt(SHARD, "a")
    begun(attempts, "a")
    attempts.end(SHARD)
    attempts.discard_attempt(SHARD, "a")
    assert begun(attempts, "b", "c").deaths == 1


def test_a_twin_of_what_was_put_aside_knows_its_deaths(
    redis: Any, prefix: str, attempts: Attempts
) -> None:
    begun(attempts, "a", "b", "c", "d")
    attempts.resolve(SHARD, "d")
    (key,) = redis.keys(f"{prefix}*")
    assert 0 < redis.ttl(key) <= 3600
    assert begun(attempts, "e").deaths == 3


def test_a_shard_that_ended_begins_anew(attempts: Attempts) -> None:
    begun(attempts, "a")
    attempts.record_crash(SHARD, "signal 9")
    attempts.end(SHARD)
    assert begun(attempts, "b") == Attempt(attempt_id="b", number=1, deaths=0, last_death="")


def test_who_speaks_first_of_a_death_knows_best(attempts: Attempts) -> None:
    """The parent that kills a child that hangs, before the same child is found dead by a signal."""
    begun(attempts, "a")
    attempts.record_crash(SHARD, "killed: no progress for 300 s")
    attempts.record_crash(SHARD, "signal 9 (SIGKILL)")
    assert begun(attempts, "b").last_death == "killed: no progress for 300 s"
    attempts.record_crash(SHARD, "exitcode 1")
    assert begun(attempts, "c").last_death == "exitcode 1"


def test_of_a_shard_that_is_not_at_work_no_death_is_kept(
    redis: Any, prefix: str, attempts: Attempts
) -> None:
    attempts.record_crash(SHARD, "signal 9")
    assert redis.keys(f"{prefix}*") == []
