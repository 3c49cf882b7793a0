"""Consumer step: a child that hangs is killed, and its shard is tried again.

When a reserved message is not started although a child is idle, the idle children are killed as
well, once for each delivery of a message, and a replacement gets it. When that does not help,
/healthz reports the message after FLEET_STALL_S, and its lease runs out.
"""

import contextlib
import logging
import os
import signal
from typing import Any

from celery.worker import state as celery_state

from worker.health import loads_too_long
from worker.parent.celery_pool import describe_pool, forget_replaced_pipes
from worker.parent.leases import Leases
from worker.parent.step import Watching
from worker.slots import ConsumerState

log = logging.getLogger(__name__)

START_WITHIN_S = 5.0
"""After such a wait, the idle children are killed, and their models loaded again. Chosen, not
measured: an idle child only has to read a pipe, and seconds in which this process stood still do
not count."""


class StallWatch(Watching):
    """Looks for children without progress, and says that it looks, for /healthz."""

    requires = (Leases,)  # which knows since when the broker is in touch
    every_s = 1.0

    def __init__(self, parent: Any, **also: Any) -> None:
        super().__init__(parent, **also)
        self._killed: set[int] = set()
        """They need some time to be missed."""
        self._replaced_for: set[str] = set()
        """Delivery tags of late messages for which idle children were killed already."""

    def start(self, parent: Any) -> None:
        """Begin to look."""
        forget_replaced_pipes(parent.pool._pool)
        super().start(parent)
        self.side.unstarted.forget()
        self._say(consuming=True)

    def stop(self, parent: Any) -> None:
        """The broker is away, or the worker ends."""
        super().stop(parent)
        self._say(consuming=False)

    def _say(self, *, consuming: bool) -> None:
        since_s, at_s = self.side.in_touch_since_s, self.side.clock()
        with contextlib.suppress(OSError):  # a full disk must not look like a lost broker
            self.side.slots.say_consumer(
                ConsumerState(
                    consuming=consuming,
                    since_s=since_s,
                    at_s=at_s,
                    unstarted_s=self.side.unstarted.longest_s,
                )
            )

    def look(self, parent: Any = None) -> None:
        """Kill every child that hangs."""
        self._count_unstarted()
        self._say(consuming=True)
        late = self.side.unstarted.longer_than(START_WITHIN_S)
        if late - self._replaced_for:
            self._kill_idle_children(parent)
        self._replaced_for = late
        for state in self.side.states():
            if loads_too_long(state, self.side.clock()):
                self._kill(state.pid, "its models do not load")
        for state, reason in self.side.hung_without_request():
            self._kill(state.pid, reason)
        for one in self.side.in_hand():
            if (why := self.side.why_stopped(one)) and self._kill(one.pid, why):
                self.side.note_death(one.request, f"killed: {why}")

    def _count_unstarted(self) -> None:
        waiting = set(celery_state.reserved_requests) - set(celery_state.active_requests)
        tags = (request.message.delivery_tag for request in waiting)
        self.side.unstarted.look(tags, len(self.side.idle_children()), self.every_s)

    def _kill_idle_children(self, parent: Any) -> None:
        """Kill the children without a message, for Celery's pool to start others in their place.

        Needed when a child is frozen, and when a message was lost between parent and child; the
        state of the pool is logged, for it tells which.
        """
        why, pool = "it does not start a reserved message", describe_pool(parent)
        if [child for child in self.side.idle_children() if self._kill(child.pid, why)]:
            log.critical("Celery's pool: %s", pool)

    def _kill(self, pid: int, why: str) -> bool:
        """Whether it was not killed before."""
        if pid in self._killed:
            return False
        log.critical("the child %d is killed: %s", pid, why)
        self._killed.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True
