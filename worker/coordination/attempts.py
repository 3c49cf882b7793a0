"""Counts the attempts of a shard, so that a shard that keeps crashing its workers is rejected.

Redis does not count deliveries. An attempt is recorded before the work starts, under the shard's
identity, which all its deliveries, retries and duplicates share. Each attempt has an ID, so that a
command that is sent again after a connection error does not count twice. An attempt that finishes,
is requeued or is scheduled for a retry is marked as ended; every other earlier attempt is a crash.
"""

from dataclasses import dataclass

from funasr_fleet.broker.ledger.keys import attempts_key
from funasr_fleet.broker.redis_client import RedisClient, Value, reached

_TTL_S = 7 * 24 * 3600

_DUPLICATE_DELIVERY_TTL_S = 3600
"""How long the counts of a split or dead-lettered shard are kept, for a duplicate delivery."""

_BEGUN, _ENDED, _CRASHES = "begun:", "ended:", "crashes"

_DISCARD = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[2], 1)
  if ARGV[4] then redis.call('HSET', KEYS[1], 'rejected', ARGV[4]) end
end
return redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt of a shard."""

    attempt_id: str
    """Made by the child; the same ID is counted once."""
    number: int
    """1 for the first attempt."""
    deaths: int
    """Number of earlier attempts that did not finish: their process crashed."""
    last_death: str
    """How the last of them crashed; empty when no process has recorded it."""


FIRST = Attempt(attempt_id="", number=1, deaths=0, last_death="")


class Attempts:
    """The attempt counts of all unfinished shards.

    Every method raises BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: RedisClient, key_prefix: str = "") -> None:
        self._redis = client
        self._prefix = key_prefix
        self._discard = client.register_script(_DISCARD)

    def begin(self, identity: str, attempt_id: str) -> Attempt:
        """Count an attempt; the same ID is counted once."""
        key = self._key(identity)
        with self._redis.pipeline() as pipe:
            pipe.hset(key, _BEGUN + attempt_id, 1)
            pipe.hgetall(key)
            pipe.expire(key, _TTL_S)
            _, fields, _ = reached(pipe.execute)
        begun, ended = _ids(fields, _BEGUN), _ids(fields, _ENDED)
        return Attempt(
            attempt_id=attempt_id,
            number=len(begun),
            deaths=len(begun - ended - {attempt_id}),
            last_death=fields.get("death", ""),
        )

    def discard_attempt(self, identity: str, attempt_id: str) -> None:
        """Do not count this attempt as a crash: it was requeued, or will be retried later."""
        self._end(identity, attempt_id, _TTL_S)

    def reject(self, identity: str, attempt_id: str, message_id: str) -> None:
        """Resolve a dead-lettered shard, and keep its message ID to recognise a duplicate of it.

        Requeueing the dead letter deletes the record of the attempts. If the dead letter was
        requeued before this call, the ID is not kept.
        """
        self._end(identity, attempt_id, _DUPLICATE_DELIVERY_TTL_S, message_id)

    def rejected(self, identity: str) -> str:
        """ID of the message with this shard that became a dead letter; empty if none did.

        This changes neither the record nor its expiry.
        """
        (message_id,) = reached(self._redis.hmget, self._key(identity), ["rejected"])
        return message_id or ""

    def resolve(self, identity: str, attempt_id: str) -> None:
        """Discard the attempt of a shard that was split or dead-lettered, but keep its crashes.

        A duplicate delivery of a shard with crashes is then split too.
        """
        self._end(identity, attempt_id, _DUPLICATE_DELIVERY_TTL_S)

    def _end(self, identity: str, attempt_id: str, ttl_s: int, *rejected: str) -> None:
        arguments: list[Value] = [_BEGUN + attempt_id, _ENDED + attempt_id, ttl_s, *rejected]
        reached(self._discard, keys=[self._key(identity)], args=arguments)

    def record_crash(self, identity: str, how: str) -> None:
        """Record how the process of the shard crashed; the first report of an attempt is kept.

        The first one names the cause: a child that is killed for a stall is later reported
        again, as killed by a signal.
        """
        key = self._key(identity)
        fields = reached(self._redis.hgetall, key)
        begun = len(_ids(fields, _BEGUN))
        if begun and fields.get("death_of") != str(begun):
            reached(self._redis.hset, key, mapping={"death": how, "death_of": begun})

    def count_crash(self, identity: str) -> int:
        """Count an exit of the process that had received the shard; return the exits so far.

        The parent calls it, also when the process exited before it counted its attempt.
        """
        key = self._key(identity)
        with self._redis.pipeline() as pipe:
            pipe.hincrby(key, _CRASHES, 1)
            pipe.expire(key, _TTL_S)
            crashes, _ = reached(pipe.execute)
        return int(crashes)

    def end(self, identity: str) -> None:
        """Delete the record of a finished shard."""
        reached(self._redis.delete, self._key(identity))

    def _key(self, identity: str) -> str:
        return attempts_key(self._prefix, identity)


def _ids(fields: dict[str, str], prefix: str) -> set[str]:
    return {field.removeprefix(prefix) for field in fields if field.startswith(prefix)}
