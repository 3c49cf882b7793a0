"""One producer per job: a second one would publish what the first is about to."""

import contextlib
import os
import socket
import threading
import time
import uuid
from types import TracebackType
from typing import Any, Self

from contract.ledger import reached
from contract.queues import BrokerUnavailable
from producer.refusals import AnotherProducer

_LEASE_S = 60.0
_RENEW_EVERY_S = 10.0

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[3] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
"""Take what nobody holds, or still the one known to be dead; returns who holds it now."""

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if not holder and ARGV[3] == '0' then return '' end
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
"""Hold it longer. One that has vanished early (Redis was restarted empty) is taken again; one that
ran out is not: another producer may have come and gone."""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_held_here: set[str] = set()
"""Tokens of the claims that threads of this process hold or are about to take."""


class ProducerClaim:
    """Held while a job is published, for one `with`; a thread renews it all the time.

    The claim of a process that was killed on this machine is taken over at once.
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
        self._take: Any = client.register_script(_TAKE)
        self._renew: Any = client.register_script(_RENEW)
        self._release: Any = client.register_script(_RELEASE)
        self._key = f"{key_prefix}fleet:job:{job}:producer"
        self._job = job
        self._lease_s, self._renew_every_s = lease_s, renew_every_s
        self._token = uuid.uuid4().hex
        self._me = f"{socket.gethostname()} {os.getpid()} {self._token}"
        self._sure_until = 0.0  # by the monotonic clock: nobody else can have taken it before
        self._lost: str | None = None
        self._ended = threading.Event()
        self._renewing = threading.Thread(
            target=self._keep_renewing, name=f"claim of {job}", daemon=True
        )

    def __enter__(self) -> Self:
        """Take the claim.

        Raises:
            AnotherProducer: it is held, or was until less than a minute ago on another machine.
            BrokerUnavailable: Redis fails.
        """
        _held_here.add(self._token)
        try:
            self._take_it()
            self._renewing.start()
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
        """Give the claim back; an interrupted process does not wait for Redis to do so.

        Raises:
            AnotherProducer: somebody else has taken it meanwhile, and nothing else went wrong.
        """
        self._ended.set()
        if error is None or isinstance(error, Exception):
            self._renewing.join()  # else it might take again what is given back here
            with contextlib.suppress(BrokerUnavailable):  # then it runs out by itself
                reached(self._release, keys=[self._key], args=[self._me])
        _held_here.discard(self._token)
        if error is None:
            self._check()

    def renew(self) -> None:
        """See that the claim is still held; cheap to call often.

        Raises:
            AnotherProducer: it is not.
            BrokerUnavailable: Redis has failed for so long that nobody can know.
        """
        if self._lost is None and time.monotonic() >= self._sure_until:
            self._renew_it()
        self._check()

    def _check(self) -> None:
        if self._lost is not None:
            raise AnotherProducer(self._lost)

    def _take_it(self) -> None:
        dead = ""
        asked_at = time.monotonic()
        while (holder := self._ask(self._take, dead)) != self._me:
            if not _is_dead(holder):
                raise AnotherProducer(
                    f"job {self._job} is being published by {_named(holder)}; "
                    f"if that is gone, try again in {self._lease_s:.0f} s"
                )
            dead, asked_at = holder, time.monotonic()
        self._sure_until = asked_at + self._lease_s

    def _keep_renewing(self) -> None:
        while self._lost is None and not self._ended.wait(self._renew_every_s):
            with contextlib.suppress(BrokerUnavailable):  # the lease outlasts some failures
                self._renew_it()

    def _renew_it(self) -> None:
        asked_at = time.monotonic()
        holder = self._ask(self._renew, int(asked_at < self._sure_until))
        if holder == self._me:
            self._sure_until = asked_at + self._lease_s
        elif holder:
            self._lost = f"job {self._job} has been taken over by {_named(holder)}: wait for that"
        else:
            self._lost = (
                f"the claim on job {self._job} ran out while Redis was not reached, and another "
                "may have published meanwhile: run the same command again"
            )

    def _ask(self, script: Any, condition: str | int) -> str:
        arguments = [self._me, int(self._lease_s * 1000), condition]
        return str(reached(script, keys=[self._key], args=arguments))


def _named(holder: str) -> str:
    host, process, *_ = [*holder.split(" "), "?"]
    return f"{host}, process {process}"


def _is_dead(holder: str) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    host, process, token = (*holder.split(" "), "", "")[:3]
    if host != socket.gethostname() or not process.isdigit():
        return not holder
    if int(process) == os.getpid():  # an earlier process of this number, or a thread of this one
        return token not in _held_here
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
