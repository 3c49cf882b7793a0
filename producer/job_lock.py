"""A lease in Redis that admits one producer per job, so that no file is published twice."""

import contextlib
import os
import socket
import threading
import time
import uuid
from types import TracebackType
from typing import Self

from funasr_fleet.broker.lease import Leases
from funasr_fleet.broker.redis_client import RedisClient, reached
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.producer.errors import AnotherProducer

_LEASE_S = 60.0
_RENEW_EVERY_S = 10.0

_held_here: set[str] = set()
"""Tokens of the locks that threads of this process hold or are acquiring."""


class JobLock:
    """Lock of one job while it is published; a context manager that can be used once.

    A background thread renews the lease. If the holder was killed on this machine, its lock is
    taken over at once; if on another machine, after its lease has expired.
    """

    def __init__(
        self,
        client: RedisClient,
        key_prefix: str,
        job: str,
        *,
        lease_s: float = _LEASE_S,
        renew_every_s: float = _RENEW_EVERY_S,
    ) -> None:
        self._client, self._leases = client, Leases(client)
        self._key = f"{key_prefix}fleet:job:{job}:producer"
        self._job = job
        self._lease_s, self._renew_every_s = lease_s, renew_every_s
        self._token = uuid.uuid4().hex
        self._me = f"{socket.gethostname()} {os.getpid()} {self._token}"
        self._valid_until = 0.0  # monotonic; until then, no other process can take the lock
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
                self._leases.release(self._key, self._me)
        _held_here.discard(self._token)
        if error is None:
            self._check()

    def check_free(self) -> None:
        """Check that the lock could be acquired now.

        Raises:
            AnotherProducer: see __enter__.
            BrokerUnavailable: Redis is unavailable.
        """
        holder = reached(self._client.get, self._key)
        if holder and not _is_dead(holder):
            raise self._held_by(holder)

    def _held_by(self, holder: str) -> AnotherProducer:
        return AnotherProducer(
            f"job {self._job} is being published by {_named(holder)}; "
            f"if that process is gone, retry in {self._lease_s:.0f} s"
        )

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
        while (holder := self._take(dead)) != self._me:
            if not _is_dead(holder):
                raise self._held_by(holder)
            dead, asked_at = holder, time.monotonic()
        self._valid_until = asked_at + self._lease_s

    def _keep_renewing(self) -> None:
        while self._lost is None and not self._ended.wait(self._renew_every_s):
            with contextlib.suppress(BrokerUnavailable):  # the lease survives a short outage
                self._renew_lock()

    def _renew_lock(self) -> None:
        asked_at = time.monotonic()
        # not after the lease has expired: another producer may have published meanwhile
        retake = asked_at < self._valid_until
        holder = self._leases.renew(self._key, self._me, self._lease_s, retake=retake)
        if holder == self._me:
            self._valid_until = asked_at + self._lease_s
        elif holder:
            self._lost = f"job {self._job} was taken over by {_named(holder)}: wait until it ends"
        else:
            self._lost = (
                f"the lock of job {self._job} expired while Redis was unreachable, and another "
                "process may have published meanwhile: run the same command again"
            )

    def _take(self, dead: str) -> str:
        return self._leases.take(self._key, self._me, self._lease_s, instead_of=dead).owner


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
