"""Consumer step: messages in flight stay ours while their children make progress.

kombu gives a message that was delivered longer than the visibility timeout ago to another worker,
whoever works on it. So that the timeout can be minutes although files take hours, the time of
delivery is set anew, again and again; it is left alone when a child hangs, and nobody sets it when
this worker is gone.
"""

import logging
import time
from typing import Any

from celery import bootsteps

from worker.parent.in_hand import Parent

log = logging.getLogger(__name__)

RENEWALS_PER_TIMEOUT = 6
"""Five may fail before a lease runs out."""


class Leases(bootsteps.StartStopStep):  # type: ignore[misc]
    """Renews while the consumer runs; timers must live in a consumer step."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    side: Parent

    def __init__(self, parent: Any, **_: Any) -> None:
        self._timer: Any = None

    def start(self, parent: Any) -> None:
        """Begin to renew, also after each reconnection to the broker."""
        self.side.in_touch_since_s = self.side.clock()
        every_s = self.side.settings.visibility_timeout_s / RENEWALS_PER_TIMEOUT
        self._timer = parent.timer.call_repeatedly(every_s, self.renew, (parent,))

    def stop(self, parent: Any) -> None:
        """Stop renewing."""
        if self._timer:
            self._timer.cancel()

    def renew(self, parent: Any) -> None:
        """Set the time of every message that waits here or is worked on."""
        self.side.renew_claims()
        if parent.task_consumer is None:
            return
        qos = parent.task_consumer.channel.qos
        in_hand = list(self.side.in_hand())
        tags = set(qos._delivered)  # kombu says nowhere else what it has delivered to us
        tags |= {one.request.message.delivery_tag for one in in_hand}
        tags -= {one.request.message.delivery_tag for one in in_hand if self.side.why_stopped(one)}
        if tags:
            now = time.time()  # as kombu does: the clocks of a fleet must agree to some seconds
            with qos.channel.conn_or_acquire() as client:
                client.zadd(qos.unacked_index_key, dict.fromkeys(tags, now), xx=True)
