"""Consumer step: a child that hangs is killed, and its shard is tried again."""

import contextlib
import logging
import os
import signal
from typing import Any

from celery import bootsteps

from worker.health import loads_too_long
from worker.parent.in_hand import Parent
from worker.parent.leases import Leases
from worker.slots import ConsumerState

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0


class StallWatch(bootsteps.StartStopStep):  # type: ignore[misc]
    """Looks while the consumer runs, and says so, for /healthz."""

    requires = (Leases,)  # which knows since when the broker is in touch
    side: Parent

    def __init__(self, parent: Any, **_: Any) -> None:
        self._timer: Any = None
        self._killed: set[int] = set()
        """They need some time to be missed."""

    def start(self, parent: Any) -> None:
        """Begin to look, also after each reconnection to the broker."""
        self._timer = parent.timer.call_repeatedly(_LOOK_EVERY_S, self.look)
        self._say(consuming=True)

    def stop(self, parent: Any) -> None:
        """Stop looking: the broker is away, or the worker ends."""
        if self._timer:
            self._timer.cancel()
        self._say(consuming=False)

    def _say(self, *, consuming: bool) -> None:
        since_s, at_s = self.side.in_touch_since_s, self.side.clock()
        with contextlib.suppress(OSError):  # a full disk must not look like a lost broker
            self.side.slots.say_consumer(
                ConsumerState(consuming=consuming, since_s=since_s, at_s=at_s)
            )

    def look(self) -> None:
        """Kill every child that hangs."""
        self._say(consuming=True)
        try:
            stopped = [(one, self.side.why_stopped(one)) for one in self.side.in_hand()]
        except OSError as error:  # must not look like a lost broker
            log.warning("the progress of the children cannot be read: %s", error)
            return
        for state in self.side.slots.all():
            if loads_too_long(state, self.side.clock()) and state.pid not in self._killed:
                log.critical("the child %d is killed: its models do not load", state.pid)
                self._kill(state.pid)
        for one, why in stopped:
            if why and one.pid not in self._killed:
                log.critical("the child %d is killed: %s", one.pid, why)
                self.side.note_death(one.request, f"killed: {why}")
                self._kill(one.pid)

    def _kill(self, pid: int) -> None:
        self._killed.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
