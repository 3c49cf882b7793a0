"""One producer per job: a second one would publish what the first is about to."""

import os
import socket
import time
from types import TracebackType
from typing import Any, Self

from contract.ledger import reached
from producer.refusals import AnotherProducer

_LEASE_S = 60
_RENEW_EVERY_S = 10.0


class ProducerClaim:
    """Held while a job is published; one that was killed on this machine is taken over at once."""

    def __init__(self, client: Any, key_prefix: str, job: str) -> None:
        self._redis = client
        self._key = f"{key_prefix}fleet:job:{job}:producer"
        self._job = job
        self._me = f"{socket.gethostname()} {os.getpid()}"
        self._renewed = 0.0

    def __enter__(self) -> Self:
        """Take the claim.

        Raises:
            AnotherProducer: it is held, or was until less than a minute ago on another machine.
        """
        if not reached(self._redis.set, self._key, self._me, nx=True, ex=_LEASE_S):
            holder = reached(self._redis.get, self._key) or ""
            if not self._is_dead(holder):
                raise AnotherProducer(
                    f"job {self._job} is being published by {holder.replace(' ', ', process ')}; "
                    f"if that is gone, try again in {_LEASE_S} s"
                )
            reached(self._redis.set, self._key, self._me, ex=_LEASE_S)
        self._renewed = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Exception):
            self._redis.delete(self._key)

    def renew(self) -> None:
        """Say that this process is still at it; cheap to call often."""
        if time.monotonic() - self._renewed > _RENEW_EVERY_S:
            reached(self._redis.set, self._key, self._me, ex=_LEASE_S)
            self._renewed = time.monotonic()

    def _is_dead(self, holder: str) -> bool:
        host, _, process = holder.partition(" ")
        if host != socket.gethostname() or not process.isdigit():
            return not holder
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return int(process) == os.getpid()
