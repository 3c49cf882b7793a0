"""One producer per job, in a real Valkey: refused, given back, taken over from the dead only."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.producer.errors import AnotherProducer
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.settings import Settings

PATIENCE_S = 20.0
LEASE_MS = 60_000
HOLD = """
import sys
from funasr_fleet.broker.ledger import connect
from funasr_fleet.settings import Settings
from funasr_fleet.producer.job_lock import JobLock
with JobLock(connect(Settings.load()), "", sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def redis(settings: Settings) -> Any:
    return connect(settings)


@pytest.fixture
def job() -> str:
    return f"job-{uuid.uuid4()}"


def key_of(job: str) -> str:
    return f"fleet:job:{job}:producer"


def until(holds: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.005)
    return holds()


def is_lost(claim: JobLock) -> bool:
    with suppress(AnotherProducer):
        claim.renew()
        return False
    return True


def is_refused(redis: Any, job: str) -> bool:
    with suppress(AnotherProducer), JobLock(redis, "", job):
        return False
    return True


@contextmanager
def holding_process(job: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the claim until its input ends."""
    command = [sys.executable, "-c", HOLD, job]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == b"held\n"
            yield holder
        finally:
            holder.kill()


def test_it_is_given_back_at_the_end_and_after_an_error(redis: Any, job: str) -> None:
    with JobLock(redis, "", job):
        assert 0 < redis.pttl(key_of(job)) <= LEASE_MS
    assert not redis.exists(key_of(job))
    with pytest.raises(ValueError, match="mine"), JobLock(redis, "", job):
        raise ValueError("mine")
    assert not redis.exists(key_of(job))


def test_other_jobs_and_prefixes_are_not_concerned(redis: Any, job: str) -> None:
    with JobLock(redis, "", f"{job}-2"), JobLock(redis, f"{job}:", job):
        assert not is_refused(redis, job)


def test_a_living_process_keeps_it(redis: Any, job: str) -> None:
    with holding_process(job) as holder:
        with pytest.raises(AnotherProducer, match=f"process {holder.pid};"):
            JobLock(redis, "", job).__enter__()
        holder.communicate(timeout=PATIENCE_S)
    assert holder.returncode == 0
    assert not is_refused(redis, job)


def test_a_process_killed_on_this_machine_is_taken_over_at_once(redis: Any, job: str) -> None:
    with holding_process(job) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(PATIENCE_S)
        left = redis.get(key_of(job))
        assert left.split(" ")[1] == str(holder.pid)
        with JobLock(redis, "", job):
            assert redis.get(key_of(job)) != left


def test_of_many_that_take_over_from_the_dead_one_wins(redis: Any, job: str) -> None:
    with holding_process(job) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(PATIENCE_S)
    together = threading.Barrier(8)

    def taken(claim: JobLock) -> JobLock | None:
        together.wait(PATIENCE_S)
        with suppress(AnotherProducer):
            return claim.__enter__()
        return None

    with ThreadPoolExecutor(8) as threads:
        claims = threads.map(taken, [JobLock(redis, "", job) for _ in range(8)])
    (winner,) = filter(None, claims)
    winner.renew()
    winner.__exit__(None, None, None)


def test_a_dead_holder_that_was_replaced_meanwhile_is_not_taken_over(redis: Any, job: str) -> None:
    """Between the look at a dead holder and the take-over, somebody else was quicker."""
    dead, quicker = f"{socket.gethostname()} {os.getpid()} of-before", "elsewhere 7 token"
    claim = JobLock(redis, "", job)
    asked: list[Any] = []
    take = claim._leases._take

    def slowly(**arguments: Any) -> Any:
        if asked:
            redis.set(key_of(job), quicker)
        asked.append(arguments)
        return take(**arguments)

    claim._leases._take = slowly
    redis.set(key_of(job), dead)
    with pytest.raises(AnotherProducer, match="elsewhere, process 7"):
        claim.__enter__()
    assert (len(asked), redis.get(key_of(job))) == (2, quicker)


def test_threads_of_one_process_refuse_each_other(redis: Any, job: str) -> None:
    with JobLock(redis, "", job) as claim, ThreadPoolExecutor(1) as thread:
        assert thread.submit(is_refused, redis, job).result(PATIENCE_S)
        claim.renew()


@pytest.mark.parametrize("token", [" of-before", ""])
def test_an_earlier_process_of_the_same_number_is_taken_over(
    redis: Any, job: str, token: str
) -> None:
    """In a container every producer is process 1."""
    redis.set(key_of(job), f"{socket.gethostname()} {os.getpid()}{token}")
    assert not is_refused(redis, job)


def test_an_interrupted_one_can_go_on_at_once(redis: Any, job: str) -> None:
    with pytest.raises(KeyboardInterrupt), JobLock(redis, "", job):
        raise KeyboardInterrupt
    assert not is_refused(redis, job)


@pytest.mark.parametrize("process", [1, os.getpid(), 2**22 + 1], ids=["init", "this", "none"])
def test_a_process_of_another_machine_may_live(redis: Any, job: str, process: int) -> None:
    redis.set(key_of(job), f"elsewhere {process} token")
    assert is_refused(redis, job)


def test_it_outlives_its_lease_while_nothing_is_published(redis: Any, job: str) -> None:
    lease_s = 1.0
    with JobLock(redis, "", job, lease_s=lease_s, renew_every_s=0.05):
        began = time.monotonic()
        while time.monotonic() < began + 2 * lease_s:
            assert redis.pttl(key_of(job)) > 0
            assert is_refused(redis, job)
    assert not redis.exists(key_of(job))


def test_without_a_renewal_it_ends_with_its_lease(redis: Any, job: str) -> None:
    """Or the test above would pass whatever the thread does."""
    claim = JobLock(redis, "", job, lease_s=0.2, renew_every_s=PATIENCE_S)
    claim.__enter__()
    assert until(lambda: not redis.exists(key_of(job)))
    assert until(lambda: is_lost(claim))
    with pytest.raises(AnotherProducer, match="expired"):  # another may have come and gone
        claim.__exit__(None, None, None)


def test_somebody_elses_claim_is_noticed_and_left_alone(redis: Any, job: str) -> None:
    other = "elsewhere 7 token"
    claim = JobLock(redis, "", job, renew_every_s=0.02)
    claim.__enter__()
    redis.set(key_of(job), other)
    assert until(lambda: is_lost(claim))
    claim.__exit__(ValueError, ValueError("mine"), None)  # an error is not hidden by it
    with pytest.raises(AnotherProducer, match="elsewhere, process 7"):  # for who never asked
        claim.__exit__(None, None, None)
    assert (redis.get(key_of(job)), redis.pttl(key_of(job))) == (other, -1)


def test_one_that_redis_forgot_early_is_taken_again(redis: Any, job: str) -> None:
    with JobLock(redis, "", job, renew_every_s=0.02) as claim:
        mine = redis.get(key_of(job))
        redis.delete(key_of(job))
        assert until(lambda: redis.get(key_of(job)) == mine)
        claim.renew()


def fail(claim: JobLock, times: int) -> None:
    """Let so many renewals fail."""
    renew, failures = claim._leases._renew, iter(range(times))

    def failing(**arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise BrokerUnavailable("away")
        return renew(**arguments)

    claim._leases._renew = failing


def test_a_redis_that_fails_for_a_while_loses_nothing(redis: Any, job: str) -> None:
    claim = JobLock(redis, "", job, renew_every_s=0.02)
    fail(claim, 3)
    with claim:
        redis.pexpire(key_of(job), LEASE_MS // 2)
        claim.renew()  # the lease still holds
        assert until(lambda: redis.pttl(key_of(job)) > LEASE_MS // 2)


def test_a_redis_that_fails_beyond_the_lease_is_told(redis: Any, job: str) -> None:
    claim = JobLock(redis, "", job, lease_s=0.2, renew_every_s=0.02)
    fail(claim, sys.maxsize)
    with claim:
        assert until(lambda: not redis.exists(key_of(job)))
        with pytest.raises(BrokerUnavailable):
            claim.renew()
