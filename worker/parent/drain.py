"""Consumer step: SIGTERM stops taking work, and hands back what is not done in time.

What a child has in hand is finished if FLEET_DRAIN_S allows; no further file is begun. A second
signal hands everything back at once. The loop runs on meanwhile, so that results are taken and
leases renewed.
"""

import contextlib
import logging
import os
import signal
from typing import Any

import psutil
from celery.worker import state as celery_state
from celery.worker.state import task_ready

from worker.parent.in_hand import InHand
from worker.parent.step import Watching

log = logging.getLogger(__name__)

_AT_ONCE_S = 5
"""For handing back at a second signal; without a broker there is nobody to hand it to."""


class Drain(Watching):
    """From the first signal to the end of the worker."""

    every_s = 0.2
    _consuming = False

    def __init__(self, parent: Any, **also: Any) -> None:
        super().__init__(parent, **also)
        self._signals = 0

    def start(self, parent: Any) -> None:
        """Answer signals from now on in place of Celery, which would wait for ever."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGALRM, self._end_now)
        self._consuming = True
        super().start(parent)

    def stop(self, parent: Any) -> None:
        """The broker is away, or the worker ends."""
        self._consuming = False
        super().stop(parent)
        if self.side.drained_by_s is not None and celery_state.should_terminate is None:
            celery_state.should_stop = self.side.exit_code  # not to be connected again for nothing

    def _on_signal(self, number: int, _: Any) -> None:
        self._signals += 1
        if self._signals > 1:
            self.side.drained_by_s = self.side.clock()
            signal.alarm(_AT_ONCE_S)
            return
        log.warning("%s: no more work is taken", signal.Signals(number).name)
        self.side.drain()
        if not self._consuming:
            celery_state.should_stop = self.side.exit_code

    def _end_now(self, *_: Any) -> None:
        log.critical("the worker did not end in time; what it has in hand comes back by its lease")
        for child in psutil.Process().children():
            child.kill()
        os._exit(self.side.exit_code)

    def look(self, parent: Any) -> None:
        """Go on draining, if a signal said so."""
        deadline_s = self.side.drained_by_s
        ending = (celery_state.should_stop, celery_state.should_terminate)
        if deadline_s is None or ending != (None, None):
            return
        parent.task_consumer.cancel()
        in_hand = list(self.side.in_hand())
        if self.side.clock() >= deadline_s:
            for one in in_hand:
                self._take_back(one)
        elif in_hand or self._is_about_to_begin():
            return
        if self.side.exit_code:
            celery_state.should_stop = self.side.exit_code  # Celery forgets it when it terminates
        else:
            celery_state.should_terminate = os.EX_OK  # idle children have nothing to finish

    def _is_about_to_begin(self) -> bool:
        """Whether a child will take a message any moment, to give it back at once."""
        ready = any(state.state == "ready" for state in self.side.states())
        return ready and bool(celery_state.reserved_requests)

    def _take_back(self, one: InHand) -> None:
        log.warning("handed back: %s", one.identity)
        one.request.taken_back = True
        _kill(one.pid)
        self.side.forgive(one)
        with contextlib.suppress(*one.request.connection_errors):  # then by its lease
            message = one.request.message
            message.channel.qos.give_back(message.delivery_tag)
            one.request.acknowledged = True
        task_ready(one.request)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
