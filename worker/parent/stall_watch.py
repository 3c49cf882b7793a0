"""Consumer step: a child that hangs is killed, and its shard is tried again.

A message that no child starts is reported to /healthz, and its lease runs out.
"""

import contextlib
import logging
import os
import signal
from typing import Any

from celery.worker import state as celery_state

from worker.health import loads_too_long
from worker.parent.leases import Leases
from worker.parent.step import Watching
from worker.slots import ConsumerState

log = logging.getLogger(__name__)


class StallWatch(Watching):
    """Looks for children without progress, and says that it looks, for /healthz."""

    requires = (Leases,)  # which knows since when the broker is in touch
    every_s = 1.0

    def __init__(self, parent: Any, **also: Any) -> None:
        super().__init__(parent, **also)
        self._killed: set[int] = set()
        """They need some time to be missed."""

    def start(self, parent: Any) -> None:
        """Begin to look."""
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
        for state in self.side.states():
            if loads_too_long(state, self.side.clock()):
                self._kill(state.pid, "its models do not load")
        for one in self.side.in_hand():
            if (why := self.side.why_stopped(one)) and self._kill(one.pid, why):
                self.side.note_death(one.request, f"killed: {why}")

    def _count_unstarted(self) -> None:
        active = set(celery_state.active_requests)
        waiting = set(celery_state.reserved_requests) - active
        ready = sum(state.state == "ready" for state in self.side.states())
        tags = (request.message.delivery_tag for request in waiting)
        self.side.unstarted.look(tags, ready - len(active), self.every_s)

    def _kill(self, pid: int, why: str) -> bool:
        """Whether it was not killed before."""
        if pid in self._killed:
            return False
        log.critical("the child %d is killed: %s", pid, why)
        self._killed.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True
