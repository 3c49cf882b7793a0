"""A lock per shard: at most one process works on it at a time, however often it was delivered.

The lock is a key in Redis with its owner as the value and an expiry. The child takes it; the parent
renews it while the child makes progress. The lock of a crashed process expires, or is released by
the parent that saw the crash.
"""

from funasr_fleet.broker.lease import Leases
from funasr_fleet.broker.ledger.keys import claim_key
from funasr_fleet.broker.redis_client import RedisClient


class ShardLock:
    """The shard locks of a fleet. Every method raises BrokerUnavailable if Redis is down.

    A shard's `identity` is that of broker.ledger.keys.identity_of, an `owner` that of lock_owner.
    """

    def __init__(self, client: RedisClient, key_prefix: str, lease_s: float) -> None:
        """Create a client; a lock expires lease_s seconds after it was taken or renewed."""
        self._prefix = claim_key(key_prefix, "")
        self._leases, self._lease_s = Leases(client), lease_s

    def take(self, identity: str, owner: str) -> float:
        """Try to take the lock.

        Returns:
            0 if the owner holds it now; else seconds until the other owner's lease expires, at
            least 0.001.
        """
        return self._leases.take(self._prefix + identity, owner, self._lease_s).left_s

    def renew(self, identity: str, owner: str) -> bool:
        """Extend the lock by another lease; return False if another owner holds it."""
        return self._leases.renew(self._prefix + identity, owner, self._lease_s) == owner

    def release(self, identity: str, owner: str) -> None:
        """Release the lock if this owner holds it."""
        self._leases.release(self._prefix + identity, owner)


def lock_owner(token: str, pid: int) -> str:
    """Return a child's owner name: its worker's token and its process ID."""
    return f"{token}:{pid}"
