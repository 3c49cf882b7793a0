"""A message that is given back goes to the head of its queue.

kombu puts what is rejected at the tail: behind millions of others, a shard whose child died would
wait for days.
"""

from typing import ClassVar, Protocol

from celery.worker import state as celery_state
from kombu.transport import redis, virtual


class Unready(Protocol):
    """Says how many children are not ready."""

    def __call__(self) -> int:
        """Now."""


class HeadFirst(redis.QoS):  # type: ignore[misc]
    """kombu's bookkeeping of messages in flight, but for the place of those given back.

    It takes none for a child that has no model yet: an idle worker elsewhere would have to wait.
    """

    unready: ClassVar[Unready]

    def can_consume(self) -> bool:
        """Whether another message may be taken.

        One that Redis may have let go of already is taken in any case: until then it is nowhere but
        on its way, and would be lost with the connection. kombu leaves it there while there is no
        room for it, which a message that was put off, or a child that died, may take meanwhile.
        """
        if self.channel._in_poll:
            return True
        room = self.can_consume_max_estimate()
        return room is None or room - self._from_before() > self.unready()

    def _from_before(self) -> int:
        """How many children work on what an earlier connection brought: these books begin empty."""
        at_work = {one.message.delivery_tag for one in tuple(celery_state.active_requests)}
        return len(at_work - set(self._delivered))

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop the message, or put it where it is taken next."""
        if requeue:
            self.give_back(delivery_tag)
        else:
            super().reject(delivery_tag, requeue=False)

    def give_back(self, delivery_tag: str) -> None:
        """Put a message where it is taken next."""
        self.restore_by_tag(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)


def keep_books_so(unready: Unready) -> None:
    """Let every channel that is opened from now on do so."""
    HeadFirst.unready = unready
    redis.Channel.QoS = HeadFirst
