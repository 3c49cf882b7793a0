"""A message that is given back goes to the head of its queue.

kombu puts what is rejected at the tail: behind millions of others, a shard whose child died would
wait for days.
"""

from kombu.transport import redis, virtual


class HeadFirst(redis.QoS):  # type: ignore[misc]
    """kombu's bookkeeping of messages in flight, but for the place of those given back."""

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop the message, or put it where it is taken next."""
        if not requeue:
            super().reject(delivery_tag, requeue=False)
            return
        self.restore_by_tag(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)


def give_back_at_the_head() -> None:
    """Let every channel that is opened from now on keep its books so."""
    redis.Channel.QoS = HeadFirst
