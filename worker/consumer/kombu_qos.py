"""Requeue a rejected message at the head of its queue.

kombu requeues at the tail: a shard whose child crashed would wait for days behind millions of
others.
"""

from typing import ClassVar, Protocol

from celery.worker import state as celery_state
from kombu.transport import redis, virtual


class Unready(Protocol):
    """A function that counts children without loaded models."""

    def __call__(self) -> int:
        """Return how many children are not ready."""


class RequeueAtHeadQoS(redis.QoS):  # type: ignore[misc]
    """kombu's record of unacked messages, modified.

    It requeues at the head. It does not reserve a message for a child whose models are not loaded
    yet: another worker may be idle.
    """

    unready: ClassVar[Unready]

    def can_consume(self) -> bool:
        """Whether another message may be consumed.

        While a BRPOP is in flight, its reply is always consumed: the message may be off the list
        already, and would be lost with the connection. kombu leaves the reply unread while there is
        no room, and a delayed message or a crashed child may take the room after BRPOP was sent.
        """
        if self.channel._in_poll:
            return True
        room = self.can_consume_max_estimate()
        return room is None or room - self._active_from_earlier_connection() > self.unready()

    def _active_from_earlier_connection(self) -> int:
        """Count children whose message came by an earlier connection: this record starts empty."""
        active = {one.message.delivery_tag for one in tuple(celery_state.active_requests)}
        return len(active - set(self._delivered))

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop the message, or requeue it at the head of its queue."""
        if requeue:
            self.requeue_at_head(delivery_tag)
        else:
            super().reject(delivery_tag, requeue=False)

    def requeue_at_head(self, delivery_tag: str) -> None:
        """Requeue the message so that it is consumed next."""
        self.restore_by_tag(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)
