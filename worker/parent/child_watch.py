"""Consumer step: when children cannot load their model, the worker ends.

An endless loop of loading would look alive; an exit code makes the supervisor back off and
somebody look.
"""

import logging
from typing import Any

from worker.health import hopeless
from worker.parent.step import Watching

log = logging.getLogger(__name__)

EXIT_MODEL_UNUSABLE = 3
"""Exit code of every fleet command for a service, or a model, that cannot be reached."""


class ChildWatch(Watching):
    """Looks at the slots' files."""

    every_s = 0.5

    def look(self, parent: Any = None) -> None:
        """End the worker with an exit code when a slot is hopeless."""
        slot = hopeless(self.side.states())
        if slot and self.side.drained_by_s is None:
            log.critical(
                "slot %d failed %d times in a row, the worker ends: %s",
                slot.slot,
                slot.failures_in_a_row,
                slot.reason,
            )
            self.side.drain(EXIT_MODEL_UNUSABLE)  # the other slots finish what they can
