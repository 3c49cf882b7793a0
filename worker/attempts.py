"""How often a shard was begun, so that one that kills its workers does not do so for ever.

Redis does not count deliveries; we do, before the work begins, under the shard's own identity,
which every delivery, retry and twin of it keeps. A beginning that came to a good end, or was
broken off on purpose, is forgiven; what is left are deaths.
"""

from dataclasses import dataclass
from typing import Any

from contract.attempts_key import attempts_key
from contract.ledger import reached

_FORGET_AFTER_S = 7 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One beginning of a shard."""

    number: int
    """1 for the first."""
    deaths: int
    """Beginnings before this one that came to no end: their process died."""
    last_death: str
    """How the last one died, as far as somebody saw it."""


FIRST = Attempt(number=1, deaths=0, last_death="")


class Attempts:
    """Counters in Redis, one hash per shard in work. Every method raises BrokerUnavailable."""

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._prefix = key_prefix

    def begin(self, identity: str) -> Attempt:
        """Count a beginning."""
        key = self._key(identity)
        with self._redis.pipeline() as pipe:
            pipe.hincrby(key, "begun", 1)
            pipe.hgetall(key)
            pipe.expire(key, _FORGET_AFTER_S)
            begun, fields, _ = reached(pipe.execute)
        deaths = max(0, int(begun) - 1 - int(fields.get("ended", 0)))
        return Attempt(number=int(begun), deaths=deaths, last_death=fields.get("death", ""))

    def forgive(self, identity: str) -> None:
        """The last beginning was broken off on purpose, or put off: it is no death."""
        with self._redis.pipeline() as pipe:
            pipe.hincrby(self._key(identity), "ended", 1)
            pipe.expire(self._key(identity), _FORGET_AFTER_S)
            reached(pipe.execute)

    def note_death(self, identity: str, how: str) -> None:
        """Keep how the process that had the shard died; the first to say so knows best."""
        key = self._key(identity)
        begun = reached(self._redis.hget, key, "begun")
        if begun is not None and reached(self._redis.hget, key, "death_of") != begun:
            reached(self._redis.hset, key, mapping={"death": how, "death_of": begun})

    def end(self, identity: str) -> None:
        """Forget a shard that will not come again."""
        reached(self._redis.delete, self._key(identity))

    def _key(self, identity: str) -> str:
        return attempts_key(self._prefix, identity)
