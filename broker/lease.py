"""Leases in Redis: a key with its owner and an expiry, held by at most one owner at a time.

Three locks are leases: the lock of a shard, that of a producer on the job it publishes, and that
for closing a job. An owner that crashes loses its lease when it expires.
"""

from dataclasses import dataclass

from funasr_fleet.broker.redis_client import RedisClient, Value, reached

_TAKE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] and owner ~= ARGV[3] then
  return {owner, redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1], 0}
"""

_RENEW = """
local owner = redis.call('GET', KEYS[1])
if not owner and ARGV[3] == '0' then return '' end
if owner and owner ~= ARGV[1] then return owner end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@dataclass(frozen=True)
class Holder:
    """The holder of a lease after an attempt to take it."""

    owner: str
    left_s: float
    """Seconds until the lease of another owner expires, at least 1 ms; 0 for the caller's own."""


class Leases:
    """Takes, renews and releases leases.

    Every method raises BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: RedisClient) -> None:
        self._take = client.register_script(_TAKE)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)

    def take(self, key: str, owner: str, lease_s: float, *, instead_of: str = "") -> Holder:
        """Take a lease that is free, expired, or already the owner's.

        Args:
            key: the lease's key in Redis.
            owner: the caller; unique among all that may take it.
            lease_s: seconds until it expires unless it is renewed.
            instead_of: an owner that is known to be dead, whose lease is taken over.
        """
        arguments: list[Value] = [owner, int(lease_s * 1000), instead_of]
        holder, left_ms = reached(self._take, keys=[key], args=arguments)
        left_s = max(1, int(left_ms)) / 1000 if holder != owner else 0.0
        return Holder(owner=str(holder), left_s=left_s)

    def renew(self, key: str, owner: str, lease_s: float, *, retake: bool = True) -> str:
        """Extend a lease; returns its owner afterwards.

        The owner is empty if the lease had expired and was not taken again.

        Args:
            key: the lease's key in Redis.
            owner: the caller.
            lease_s: seconds until it expires again.
            retake: take a lease that no longer exists, as after Redis lost its data. Do not set it
                if the lease may have expired: another owner may have held it since.
        """
        arguments: list[Value] = [owner, int(lease_s * 1000), int(retake)]
        return str(reached(self._renew, keys=[key], args=arguments))

    def release(self, key: str, owner: str) -> None:
        """Release the owner's lease; the lease of another owner stays."""
        reached(self._release, keys=[key], args=[owner])
