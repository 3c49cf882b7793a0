"""What waits on the broker, read as a client in another language would."""

import json
import zlib
from base64 import b64decode
from typing import Any

from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.queues import broker_lists, lanes
from funasr_fleet.settings import Settings


def shards_waiting(settings: Settings) -> list[dict[str, Any]]:
    """Every shard that no worker has taken."""
    redis: Any = connect(settings)
    return [_shard(raw) for key in _keys(settings) for raw in redis.lrange(key, 0, -1)]


def drain(settings: Settings, most: int) -> int:
    """Take messages away, as workers would; how many."""
    redis: Any = connect(settings)
    taken = 0
    for key in _keys(settings):
        taken += len(redis.rpop(key, most - taken) or ()) if taken < most else 0
    return taken


def wipe(settings: Settings) -> None:
    """All that Redis knows of this fleet is gone."""
    redis: Any = connect(settings)
    for key in redis.keys(f"{settings.key_prefix}*"):
        redis.delete(key)


def _keys(settings: Settings) -> list[str]:
    names = (name for lane in lanes(settings.queue) for name in broker_lists(lane))
    return [settings.key_prefix + name for name in names]


def _shard(raw: str) -> dict[str, Any]:
    message = json.loads(raw)
    body = b64decode(message["body"])
    if message["headers"].get("compression"):
        body = zlib.decompress(body)
    (shard,), _, _ = json.loads(body)
    found: dict[str, Any] = shard
    return found
