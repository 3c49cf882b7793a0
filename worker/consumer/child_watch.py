"""Consumer step: shut the worker down when its children cannot load their model.

A worker that reloads endlessly looks healthy; an exit code makes the supervisor back off and alert.
"""

import logging
from typing import Any

from funasr_fleet.worker.consumer.periodic_step import PeriodicStep
from funasr_fleet.worker.process.health import first_failed_slot

log = logging.getLogger(__name__)

EXIT_MODEL_UNUSABLE = 3
"""Exit code of every fleet command when a service or a model is unavailable."""


class ChildWatch(PeriodicStep):
    """Checks the slots' state files."""

    every_s = 0.5

    def tick(self, consumer: Any = None) -> None:
        """Drain the worker and set its exit code when a slot has failed too often."""
        slot = first_failed_slot(self.parent_context.states())
        if slot and self.parent_context.drain_deadline_s is None:
            log.critical(
                "slot %d failed %d times in a row, shutting down the worker: %s",
                slot.slot,
                slot.failures_in_a_row,
                slot.reason,
            )
            self.parent_context.drain(EXIT_MODEL_UNUSABLE)  # the other slots finish their files
