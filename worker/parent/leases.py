"""Consumer step: messages in flight stay ours while their children make progress.

kombu gives a message that was delivered longer than the visibility timeout ago to another worker,
whoever works on it. So that the timeout can be minutes although files take hours, the time of
delivery is set anew, again and again; it is left alone when a child hangs, and nobody sets it when
this worker is gone.
"""

import logging
import time
from typing import Any

from celery.worker import state as celery_state

from worker.parent.step import Watching

log = logging.getLogger(__name__)

RENEWALS_PER_TIMEOUT = 6
"""Five may fail before a lease runs out."""

_LONGEST_S = 5.0
"""Between two looks: what was left behind keeps a child idle for two of them."""


class Leases(Watching):
    """Renews, and finds what was left behind."""

    def __init__(self, parent: Any, **also: Any) -> None:
        super().__init__(parent, **also)
        self._nobodys: set[str] = set()
        """Tags that no request had at the last look: their ack may be on its way."""

    @property
    def every_s(self) -> float:
        """Several times in each visibility timeout."""
        return min(_LONGEST_S, self.side.settings.visibility_timeout_s / RENEWALS_PER_TIMEOUT)

    def start(self, parent: Any) -> None:
        """Begin, before kombu looks for what ran out while the broker was away."""
        self.side.in_touch_since_s = self.side.clock()
        super().start(parent)
        self.look(parent)

    def look(self, parent: Any) -> None:
        """Set the time of every message that waits here or is worked on."""
        self.side.renew_claims()
        if parent.task_consumer is None:
            return
        qos = parent.task_consumer.channel.qos
        in_hand = list(self.side.in_hand())
        known = {_tag(request) for request in _in_flight()}
        # kombu says nowhere else what it has delivered to us; what is settled stays there for long
        self._give_back_nobodys(qos, set(qos._delivered) - qos._dirty - known)
        stopped = {_tag(one.request) for one in in_hand if self.side.why_stopped(one)}
        stopped |= self.side.unstarted.longer_than(self.side.patience.stall_s)
        if held := known - stopped:
            now = time.time()  # as kombu does: the clocks of a fleet must agree to some seconds
            with qos.channel.conn_or_acquire() as client:
                client.zadd(qos.unacked_index_key, dict.fromkeys(held, now), xx=True)

    def _give_back_nobodys(self, qos: Any, nobodys: set[str]) -> None:
        """What could not be acked or given back, for the broker was away, is still with us.

        It would be ours for ever, and keep this worker from taking anything else.
        """
        for tag in nobodys & self._nobodys:
            log.warning("message %s was left behind when the broker was away: given back", tag)
            qos.give_back(tag)
        self._nobodys = nobodys


def _in_flight() -> list[Any]:
    """Celery's requests; of twins, which have one id, its dict knows the last only."""
    states = (
        celery_state.scheduled_requests,
        celery_state.reserved_requests,
        celery_state.active_requests,
    )
    return [*celery_state.requests.values(), *(one for state in states for one in tuple(state))]


def _tag(request: Any) -> str:
    tag: str = request.message.delivery_tag
    return tag
