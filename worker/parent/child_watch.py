"""Consumer step: when children cannot load their model, the worker ends.

An endless loop of loading would look alive; an exit code makes the supervisor back off and
somebody look.
"""

import logging
from typing import Any

from celery import bootsteps

from worker.health import hopeless
from worker.parent.in_hand import Parent

log = logging.getLogger(__name__)

EXIT_MODEL_UNUSABLE = 3
"""Exit code of every fleet command for a service, or a model, that cannot be reached."""
_LOOK_EVERY_S = 0.5


class ChildWatch(bootsteps.StartStopStep):  # type: ignore[misc]
    """Looks at the slots' files while the consumer runs; timers must live in a consumer step."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    side: Parent

    def __init__(self, parent: Any, **_: Any) -> None:
        self._timer: Any = None

    def start(self, parent: Any) -> None:
        """Begin to look, also after each reconnection to the broker."""
        self._timer = parent.timer.call_repeatedly(_LOOK_EVERY_S, self.look)

    def stop(self, parent: Any) -> None:
        """Stop looking."""
        if self._timer:
            self._timer.cancel()

    def look(self) -> None:
        """End the worker with an exit code when a slot is hopeless."""
        try:
            slot = hopeless(self.side.slots.all())
        except OSError as error:  # must not look like a lost broker
            log.warning("the state of the children cannot be read: %s", error)
            return
        if slot and self.side.drained_by_s is None:
            log.critical(
                "slot %d failed %d times in a row, the worker ends: %s",
                slot.slot,
                slot.failures_in_a_row,
                slot.reason,
            )
            self.side.drain(EXIT_MODEL_UNUSABLE)  # the other slots finish what they can
