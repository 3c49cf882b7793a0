"""How often a shard was begun, so that one that kills its workers does not do so for ever.

Redis does not count deliveries; we do, before the work begins, under the shard's own identity,
which every delivery, retry and twin of it keeps. Each beginning has a name of its own, so that
nothing counts twice when Redis blinks and a command is sent again. A beginning that came to a good
end, or was broken off on purpose, is forgiven; what is left are deaths.
"""

from dataclasses import dataclass
from typing import Any

from contract.attempts_key import attempts_key
from contract.ledger import reached

_FORGET_AFTER_S = 7 * 24 * 3600

_TWINS_COME_WITHIN_S = 3600
"""A shard that was split or put aside may have been delivered twice; its twin is to know."""

_BEGUN, _ENDED, _CRASHES = "begun:", "ended:", "crashes"

_FORGIVE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[2], 1) end
return redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One beginning of a shard."""

    name: str
    """Its own; see Attempts.begin."""
    number: int
    """1 for the first."""
    deaths: int
    """Beginnings before this one that came to no end: their process died."""
    last_death: str
    """How the last one died, as far as somebody saw it."""


FIRST = Attempt(name="", number=1, deaths=0, last_death="")


class Attempts:
    """What Redis knows of each shard in work. Every method raises BrokerUnavailable."""

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._prefix = key_prefix
        self._forgive: Any = client.register_script(_FORGIVE)

    def begin(self, identity: str, name: str) -> Attempt:
        """Count a beginning; that of a name counts once."""
        key = self._key(identity)
        with self._redis.pipeline() as pipe:
            pipe.hset(key, _BEGUN + name, 1)
            pipe.hgetall(key)
            pipe.expire(key, _FORGET_AFTER_S)
            _, fields, _ = reached(pipe.execute)
        begun, ended = _names(fields, _BEGUN), _names(fields, _ENDED)
        deaths = len(begun - ended - {name})
        return Attempt(
            name=name, number=len(begun), deaths=deaths, last_death=fields.get("death", "")
        )

    def forgive(self, identity: str, name: str) -> None:
        """This beginning was broken off on purpose, or put off: it is no death."""
        self._end(identity, name, _FORGET_AFTER_S)

    def settle(self, identity: str, name: str) -> None:
        """The shard was split or put aside; a twin of it is to be, too, without another try."""
        self._end(identity, name, _TWINS_COME_WITHIN_S)

    def _end(self, identity: str, name: str, keep_s: int) -> None:
        arguments = [_BEGUN + name, _ENDED + name, keep_s]
        reached(self._forgive, keys=[self._key(identity)], args=arguments)

    def note_death(self, identity: str, how: str) -> None:
        """Keep how the process that had the shard died; the first to say so knows best."""
        key = self._key(identity)
        fields = reached(self._redis.hgetall, key)
        begun = len(_names(fields, _BEGUN))
        if begun and fields.get("death_of") != str(begun):
            reached(self._redis.hset, key, mapping={"death": how, "death_of": begun})

    def count_crash(self, identity: str) -> int:
        """Count an exit of the process that had the shard; how many there have been.

        Counted by the parent, whether or not the process came to count its attempt.
        """
        key = self._key(identity)
        with self._redis.pipeline() as pipe:
            pipe.hincrby(key, _CRASHES, 1)
            pipe.expire(key, _FORGET_AFTER_S)
            crashes, _ = reached(pipe.execute)
        return int(crashes)

    def end(self, identity: str) -> None:
        """Forget a shard that is done."""
        reached(self._redis.delete, self._key(identity))

    def _key(self, identity: str) -> str:
        return attempts_key(self._prefix, identity)


def _names(fields: dict[str, str], kind: str) -> set[str]:
    return {field.removeprefix(kind) for field in fields if field.startswith(kind)}
