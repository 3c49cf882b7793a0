"""Who works on a shard: at most one process at a time, however often it was delivered.

A claim is a key in Redis with its owner and an expiry. The child takes it, the parent renews it
while the child makes progress; the claim of a process that dies runs out, or is released by the
parent that saw it die.
"""

from typing import Any

from contract.attempts_key import claim_key
from contract.ledger import reached

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return redis.call('PTTL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0
"""
"""Take what nobody else holds; else how long, in ms, the other one may hold it still."""

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""One that has vanished (Redis was away, or restarted empty) is taken again."""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Claims:
    """The claims of one fleet. Every method raises BrokerUnavailable when Redis is away."""

    def __init__(self, client: Any, key_prefix: str, lease_s: float) -> None:
        """A claim runs out this many seconds after it was taken or renewed."""
        self._prefix = claim_key(key_prefix, "")
        self._lease_ms = int(lease_s * 1000)
        self._take: Any = client.register_script(_TAKE)
        self._renew: Any = client.register_script(_RENEW)
        self._release: Any = client.register_script(_RELEASE)

    def take(self, identity: str, owner: str) -> float:
        """0 when the claim is the owner's now; else seconds until it may be free, at least 1 ms."""
        left_ms = int(self._ask(self._take, identity, owner, self._lease_ms))
        return max(1, left_ms) / 1000 if left_ms else 0.0

    def renew(self, identity: str, owner: str) -> bool:
        """Hold it for another lease; False when another process has taken it meanwhile."""
        return bool(self._ask(self._renew, identity, owner, self._lease_ms))

    def release(self, identity: str, owner: str) -> None:
        """Give up what the owner holds; what another holds stays."""
        self._ask(self._release, identity, owner)

    def _ask(self, script: Any, identity: str, *arguments: Any) -> Any:
        return reached(script, keys=[self._prefix + identity], args=list(arguments))


def owner_of(worker: str, pid: int) -> str:
    """The owner's name of one child: its worker's token and its process."""
    return f"{worker}:{pid}"
