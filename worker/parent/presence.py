"""Consumer step: which queue this worker serves with which model, told to producers.

They send a job where its model is, and say so when nobody would take it. A worker that ends, or
that has no child with its models, says nothing.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from contract.fleet_state import SEEN_WITHIN_S
from contract.queues import BrokerUnavailable
from worker.parent.step import Watching

log = logging.getLogger(__name__)

_TIMES = 6
"""Five may fail before a producer takes this worker for gone."""


class Presence(Watching):
    """Tells it again and again; a child that becomes ready tells it as well."""

    every_s = SEEN_WITHIN_S / _TIMES
    now: Callable[[], float] = staticmethod(time.time)

    def start(self, parent: Any) -> None:
        """Begin to tell, at once: the broker may have been away for long."""
        super().start(parent)
        self.look(parent)

    def look(self, parent: Any = None) -> None:
        """Tell it, if somebody here can take work."""
        ready = any(state.state == "ready" for state in self.side.states())
        if not ready or self.side.drained_by_s is not None:
            return
        settings = self.side.settings
        try:
            self.side.fleet.serve(settings.queue, settings.model, self.now())
        except BrokerUnavailable as error:  # worth trying, never worth a connection
            log.warning("producers cannot be told that this worker is here: %s", error)
