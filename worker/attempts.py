"""How often a message was begun, so that one that kills its workers does not do so for ever.

Redis does not count deliveries; we do, before the work begins, under the message's own id, which
a redelivery and a retry both keep.
"""

from typing import Any

from contract.ledger import reached

_FORGET_AFTER_S = 7 * 24 * 3600


class Attempts:
    """Counters in Redis, one per message in work."""

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._prefix = f"{key_prefix}fleet:attempts:"

    def begin(self, message_id: str) -> int:
        """Count a beginning, and return how many there were: 1 for the first."""
        key = self._prefix + message_id
        with self._redis.pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, _FORGET_AFTER_S)
            count, _ = reached(pipe.execute)
        return int(count)

    def end(self, message_id: str) -> None:
        """Forget a message that will not come again."""
        reached(self._redis.delete, self._prefix + message_id)
