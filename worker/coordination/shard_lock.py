"""A lock per shard: at most one process works on it at a time, however often it was delivered.

The lock is a key in Redis with its owner as the value and an expiry. The child takes it; the parent
renews it while the child makes progress. The lock of a crashed process expires, or is released by
the parent that saw the crash.
"""

from typing import Any

from funasr_fleet.broker.attempts_key import claim_key
from funasr_fleet.broker.ledger import reached

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return redis.call('PTTL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0
"""
"""Take the lock if it is free or already ours; else return its remaining time in ms."""

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""Renew the lock; take it again if the key is missing (expired, or Redis restarted empty)."""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class ShardLock:
    """The shard locks of a fleet. Every method raises BrokerUnavailable when Redis is away.

    A shard's `identity` is that of broker.attempts_key.identity_of, an `owner` that of lock_owner.
    """

    def __init__(self, client: Any, key_prefix: str, lease_s: float) -> None:
        """Create a client; a lock expires lease_s seconds after it was taken or renewed."""
        self._prefix = claim_key(key_prefix, "")
        self._lease_ms = int(lease_s * 1000)
        self._take: Any = client.register_script(_TAKE)
        self._renew: Any = client.register_script(_RENEW)
        self._release: Any = client.register_script(_RELEASE)

    def take(self, identity: str, owner: str) -> float:
        """Try to take the lock.

        Returns:
            0 if the owner holds it now; else seconds until the other owner's lease expires, at
            least 0.001.
        """
        left_ms = int(self._run(self._take, identity, owner, self._lease_ms))
        return max(1, left_ms) / 1000 if left_ms else 0.0

    def renew(self, identity: str, owner: str) -> bool:
        """Extend the lock by another lease; return False if another owner holds it."""
        return bool(self._run(self._renew, identity, owner, self._lease_ms))

    def release(self, identity: str, owner: str) -> None:
        """Release the lock if this owner holds it."""
        self._run(self._release, identity, owner)

    def _run(self, script: Any, identity: str, *arguments: Any) -> Any:
        return reached(script, keys=[self._prefix + identity], args=list(arguments))


def lock_owner(token: str, pid: int) -> str:
    """Return a child's owner name: its worker's token and its process ID."""
    return f"{token}:{pid}"
