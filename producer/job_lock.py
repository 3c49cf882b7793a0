"""A lease in Redis that admits one producer per job, so that no file is published twice."""

import contextlib
import os
import socket
import threading
import time
import uuid
from types import TracebackType
from typing import Any, Self

from funasr_fleet.broker.ledger import reached
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.producer.errors import AnotherProducer

_LEASE_S = 60.0
_RENEW_EVERY_S = 10.0

_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[3] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
"""Set the lock if it is free or held by ARGV[3], a holder known to be dead. Returns the holder."""

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if not holder and ARGV[3] == '0' then return '' end
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
"""Extend the lease. If the key is missing, set it again only before the lease has expired (ARGV[3]
is 1): then Redis was restarted empty. After expiry another producer may have published meanwhile.
Returns the holder, or '' if the lock is lost."""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""Delete the lock if this holder has it."""

_held_here: set[str] = set()
"""Tokens of the locks that threads of this process hold or are acquiring."""


class JobLock:
    """Lock of one job while it is published; a context manager that can be used once.

    A background thread renews the lease. If the holder was killed on this machine, its lock is
    taken over at once; if on another machine, after its lease has expired.
    """

    def __init__(
        self,
        client: Any,
        key_prefix: str,
        job: str,
        *,
        lease_s: float = _LEASE_S,
        renew_every_s: float = _RENEW_EVERY_S,
    ) -> None:
        self._acquire: Any = client.register_script(_ACQUIRE)
        self._renew: Any = client.register_script(_RENEW)
        self._release: Any = client.register_script(_RELEASE)
        self._key = f"{key_prefix}fleet:job:{job}:producer"
        self._job = job
        self._lease_s, self._renew_every_s = lease_s, renew_every_s
        self._token = uuid.uuid4().hex
        self._me = f"{socket.gethostname()} {os.getpid()} {self._token}"
        self._valid_until = 0.0  # monotonic clock; no other process can hold the lock before
        self._lost: str | None = None
        self._ended = threading.Event()
        self._renewal = threading.Thread(
            target=self._keep_renewing, name=f"lock of {job}", daemon=True
        )

    def __enter__(self) -> Self:
        """Acquire the lock.

        Raises:
            AnotherProducer: another process holds it, or a killed process of another machine held
                it less than a minute ago.
            BrokerUnavailable: Redis is unavailable.
        """
        _held_here.add(self._token)
        try:
            self._acquire_lock()
            self._renewal.start()
        except BaseException:
            _held_here.discard(self._token)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the lock; an interrupted process exits without waiting for Redis.

        Raises:
            AnotherProducer: another process took the lock over, and no other error is raised.
        """
        self._ended.set()
        if error is None or isinstance(error, Exception):
            self._renewal.join()  # otherwise it might renew the lock after the release
            with contextlib.suppress(BrokerUnavailable):  # then the lease expires
                reached(self._release, keys=[self._key], args=[self._me])
        _held_here.discard(self._token)
        if error is None:
            self._check()

    def renew(self) -> None:
        """Check that the lock is still held; cheap enough to call often.

        Raises:
            AnotherProducer: the lock is lost.
            BrokerUnavailable: Redis has been unavailable for longer than the lease.
        """
        if self._lost is None and time.monotonic() >= self._valid_until:
            self._renew_lock()
        self._check()

    def _check(self) -> None:
        if self._lost is not None:
            raise AnotherProducer(self._lost)

    def _acquire_lock(self) -> None:
        dead = ""
        asked_at = time.monotonic()
        while (holder := self._run(self._acquire, dead)) != self._me:
            if not _is_dead(holder):
                raise AnotherProducer(
                    f"job {self._job} is being published by {_named(holder)}; "
                    f"if that process is gone, retry in {self._lease_s:.0f} s"
                )
            dead, asked_at = holder, time.monotonic()
        self._valid_until = asked_at + self._lease_s

    def _keep_renewing(self) -> None:
        while self._lost is None and not self._ended.wait(self._renew_every_s):
            with contextlib.suppress(BrokerUnavailable):  # the lease survives a short outage
                self._renew_lock()

    def _renew_lock(self) -> None:
        asked_at = time.monotonic()
        holder = self._run(self._renew, int(asked_at < self._valid_until))
        if holder == self._me:
            self._valid_until = asked_at + self._lease_s
        elif holder:
            self._lost = f"job {self._job} was taken over by {_named(holder)}: wait until it ends"
        else:
            self._lost = (
                f"the lock of job {self._job} expired while Redis was unreachable, and another "
                "process may have published meanwhile: run the same command again"
            )

    def _run(self, script: Any, condition: str | int) -> str:
        arguments = [self._me, int(self._lease_s * 1000), condition]
        return str(reached(script, keys=[self._key], args=arguments))


def _named(holder: str) -> str:
    host, process, *_ = [*holder.split(" "), "?"]
    return f"{host}, process {process}"


def _is_dead(holder: str) -> bool:
    """Whether the holder was a process of this machine that has ended."""
    host, process, token = (*holder.split(" "), "", "")[:3]
    if host != socket.gethostname() or not process.isdigit():
        return not holder
    if int(process) == os.getpid():  # an earlier process with this pid, or a thread of this one
        return token not in _held_here
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
