"""Counts the unacknowledged messages of each queue."""

from collections import Counter

from funasr_fleet.broker.redis_client import RedisClient, reached
from funasr_fleet.contract.queues import queue_of

_AT_ONCE = 100
"""Approximate number of messages per call: Redis serves no other client during a call."""


def unacked_by_queue(client: RedisClient, key_prefix: str = "") -> dict[str, int]:
    """Unacknowledged messages by queue, summed over its lanes; queues without any are left out.

    The messages are read in several calls. A message that is unacknowledged during all of them is
    counted at least once, rarely twice.

    Raises:
        BrokerUnavailable: Redis cannot be reached.
    """
    counts: Counter[str] = Counter()
    cursor = "0"
    while True:
        cursor, *flat = reached(client.eval, _BY_LANE, 1, key_prefix + "unacked", cursor, _AT_ONCE)
        for lane, count in zip(flat[::2], flat[1::2], strict=True):
            counts[queue_of(lane)] += int(count)
        if cursor == "0":
            return dict(counts)


_BY_LANE = """
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local counts = {}
for i = 2, #found[2], 2 do
  local lane = string.match(string.sub(found[2][i], -300), '"([^"]*)"%s*%]$')
  if lane then counts[lane] = (counts[lane] or 0) + 1 end
end
local flat = {found[1]}
for lane, count in pairs(counts) do
  flat[#flat + 1] = lane
  flat[#flat + 1] = tostring(count)
end
return flat
"""
"""Counts a page of unacknowledged messages by lane; returns the next cursor and the counts. kombu
stores each message as the JSON list [message, exchange, routing key], of which only the end is
parsed."""
