"""One producer per job, in a real Valkey: the job lock is exclusive, released and taken over."""

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


def is_lost(lock: JobLock) -> bool:
    with suppress(AnotherProducer):
        lock.renew()
        return False
    return True


def is_locked(redis: Any, job: str) -> bool:
    with suppress(AnotherProducer), JobLock(redis, "", job):
        return False
    return True


@contextmanager
def holding_process(job: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, job]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == b"held\n"
            yield holder
        finally:
            holder.kill()


def test_the_lock_is_released_at_the_end_and_after_an_error(redis: Any, job: str) -> None:
    with JobLock(redis, "", job):
        assert 0 < redis.pttl(key_of(job)) <= LEASE_MS
    assert not redis.exists(key_of(job))
    with pytest.raises(ValueError, match="mine"), JobLock(redis, "", job):
        raise ValueError("mine")
    assert not redis.exists(key_of(job))


def test_locks_of_other_jobs_and_prefixes_are_independent(redis: Any, job: str) -> None:
    with JobLock(redis, "", f"{job}-2"), JobLock(redis, f"{job}:", job):
        assert not is_locked(redis, job)


def test_a_running_process_keeps_the_lock(redis: Any, job: str) -> None:
    with holding_process(job) as holder:
        with pytest.raises(AnotherProducer, match=f"process {holder.pid};"):
            JobLock(redis, "", job).__enter__()
        holder.communicate(timeout=PATIENCE_S)
    assert holder.returncode == 0
    assert not is_locked(redis, job)


def test_the_lock_of_a_killed_local_process_is_taken_over_immediately(redis: Any, job: str) -> None:
    with holding_process(job) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(PATIENCE_S)
        left = redis.get(key_of(job))
        assert left.split(" ")[1] == str(holder.pid)
        with JobLock(redis, "", job):
            assert redis.get(key_of(job)) != left


def test_only_one_of_many_processes_takes_over_from_a_dead_holder(redis: Any, job: str) -> None:
    with holding_process(job) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(PATIENCE_S)
    together = threading.Barrier(8)

    def taken(lock: JobLock) -> JobLock | None:
        together.wait(PATIENCE_S)
        with suppress(AnotherProducer):
            return lock.__enter__()
        return None

    with ThreadPoolExecutor(8) as threads:
        locks = threads.map(taken, [JobLock(redis, "", job) for _ in range(8)])
    (winner,) = filter(None, locks)
    winner.renew()
    winner.__exit__(None, None, None)


def test_a_lock_that_changed_hands_during_the_takeover_is_not_taken(redis: Any, job: str) -> None:
    """Another process takes the lock after the check and before the takeover."""
    dead, other = f"{socket.gethostname()} {os.getpid()} of-before", "elsewhere 7 token"
    lock = JobLock(redis, "", job)
    asked: list[Any] = []
    take = lock._leases._take

    def slowly(**arguments: Any) -> Any:
        if asked:
            redis.set(key_of(job), other)
        asked.append(arguments)
        return take(**arguments)

    lock._leases._take = slowly
    redis.set(key_of(job), dead)
    with pytest.raises(AnotherProducer, match="elsewhere, process 7"):
        lock.__enter__()
    assert (len(asked), redis.get(key_of(job))) == (2, other)


def test_threads_of_one_process_exclude_each_other(redis: Any, job: str) -> None:
    with JobLock(redis, "", job) as lock, ThreadPoolExecutor(1) as thread:
        assert thread.submit(is_locked, redis, job).result(PATIENCE_S)
        lock.renew()


@pytest.mark.parametrize("token", [" of-before", ""])
def test_the_lock_of_an_earlier_process_with_the_same_pid_is_taken_over(
    redis: Any, job: str, token: str
) -> None:
    """In a container every producer is process 1."""
    redis.set(key_of(job), f"{socket.gethostname()} {os.getpid()}{token}")
    assert not is_locked(redis, job)


def test_an_interrupted_job_can_be_resumed_immediately(redis: Any, job: str) -> None:
    with pytest.raises(KeyboardInterrupt), JobLock(redis, "", job):
        raise KeyboardInterrupt
    assert not is_locked(redis, job)


@pytest.mark.parametrize("process", [1, os.getpid(), 2**22 + 1], ids=["init", "this", "none"])
def test_a_process_on_another_host_keeps_its_lock(redis: Any, job: str, process: int) -> None:
    redis.set(key_of(job), f"elsewhere {process} token")
    assert is_locked(redis, job)


def test_the_lease_is_renewed_while_nothing_is_published(redis: Any, job: str) -> None:
    lease_s = 1.0
    with JobLock(redis, "", job, lease_s=lease_s, renew_every_s=0.05):
        began = time.monotonic()
        while time.monotonic() < began + 2 * lease_s:
            assert redis.pttl(key_of(job)) > 0
            assert is_locked(redis, job)
    assert not redis.exists(key_of(job))


def test_a_lock_that_is_not_renewed_expires_with_its_lease(redis: Any, job: str) -> None:
    """Counterpart of the test above: the lease itself is short."""
    lock = JobLock(redis, "", job, lease_s=0.2, renew_every_s=PATIENCE_S)
    lock.__enter__()
    assert until(lambda: not redis.exists(key_of(job)))
    assert until(lambda: is_lost(lock))
    with pytest.raises(AnotherProducer, match="expired"):  # another producer may have run meanwhile
        lock.__exit__(None, None, None)


def test_a_lock_taken_by_another_process_is_detected_and_kept(redis: Any, job: str) -> None:
    other = "elsewhere 7 token"
    lock = JobLock(redis, "", job, renew_every_s=0.02)
    lock.__enter__()
    redis.set(key_of(job), other)
    assert until(lambda: is_lost(lock))
    lock.__exit__(ValueError, ValueError("mine"), None)  # the original error is kept
    with pytest.raises(AnotherProducer, match="elsewhere, process 7"):  # without an earlier renewal
        lock.__exit__(None, None, None)
    assert (redis.get(key_of(job)), redis.pttl(key_of(job))) == (other, -1)


def test_a_lock_that_redis_lost_early_is_reacquired(redis: Any, job: str) -> None:
    with JobLock(redis, "", job, renew_every_s=0.02) as lock:
        mine = redis.get(key_of(job))
        redis.delete(key_of(job))
        assert until(lambda: redis.get(key_of(job)) == mine)
        lock.renew()


def fail(lock: JobLock, times: int) -> None:
    """Make the first `times` renewals fail."""
    renew, failures = lock._leases._renew, iter(range(times))

    def failing(**arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise BrokerUnavailable("unavailable")
        return renew(**arguments)

    lock._leases._renew = failing


def test_a_temporary_redis_failure_does_not_lose_the_lock(redis: Any, job: str) -> None:
    lock = JobLock(redis, "", job, renew_every_s=0.02)
    fail(lock, 3)
    with lock:
        redis.pexpire(key_of(job), LEASE_MS // 2)
        lock.renew()  # the lease is still valid
        assert until(lambda: redis.pttl(key_of(job)) > LEASE_MS // 2)


def test_a_redis_failure_longer_than_the_lease_raises_an_error(redis: Any, job: str) -> None:
    lock = JobLock(redis, "", job, lease_s=0.2, renew_every_s=0.02)
    fail(lock, sys.maxsize)
    with lock:
        assert until(lambda: not redis.exists(key_of(job)))
        with pytest.raises(BrokerUnavailable):
            lock.renew()
