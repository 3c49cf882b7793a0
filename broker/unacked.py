"""Counts the unacknowledged messages of each queue."""

from funasr_fleet.broker.redis_client import RedisClient, reached
from funasr_fleet.contract.queues import queue_of


def unacked_by_queue(client: RedisClient, key_prefix: str = "") -> dict[str, int]:
    """Unacknowledged messages by queue, summed over its lanes; queues without any are left out.

    Raises:
        BrokerUnavailable: Redis cannot be reached.
    """
    counts: dict[str, int] = {}
    flat = reached(client.eval, _BY_LANE, 1, key_prefix + "unacked")
    for lane, count in zip(flat[::2], flat[1::2], strict=True):
        counts[queue_of(lane)] = counts.get(queue_of(lane), 0) + int(count)
    return counts


_BY_LANE = """
local counts = {}
for _, held in ipairs(redis.call('HVALS', KEYS[1])) do
  local lane = string.match(string.sub(held, -300), '"([^"]*)"%s*%]$')
  if lane then counts[lane] = (counts[lane] or 0) + 1 end
end
local flat = {}
for lane, count in pairs(counts) do
  flat[#flat + 1] = lane
  flat[#flat + 1] = tostring(count)
end
return flat
"""
"""Counts unacknowledged messages by lane: kombu stores each as the JSON list [message, exchange,
routing key], of which only the end is parsed."""
