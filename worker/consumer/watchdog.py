"""Consumer steps that watch the children: kill a hung child, shut down when models do not load.

The shard of a killed child is redelivered. If a reserved message is not started although children
are idle, the idle children are killed too, and one of their replacements gets the message. This is
done once per delivery of a message. If it does not help, /healthz reports the message after
FLEET_STALL_S, and its lease expires.
"""

import contextlib
import logging
from typing import Any

from celery.worker import state as celery_state

from funasr_fleet.worker.consumer.celery_patches import describe_pool, forget_replaced_pipes
from funasr_fleet.worker.consumer.periodic_step import PeriodicStep
from funasr_fleet.worker.consumer.renewal import LeaseRenewal
from funasr_fleet.worker.process.health import first_failed_slot, loads_too_long
from funasr_fleet.worker.process.os_process import kill
from funasr_fleet.worker.process.slot_state import ConsumerState

log = logging.getLogger(__name__)

START_WITHIN_S = 5.0
"""After this wait the idle children are killed, and their replacements load the models again.
Chosen, not measured: an idle child only has to read a pipe, and time in which this process was
blocked is not counted."""

EXIT_MODEL_UNUSABLE = 3
"""Exit code of every fleet command when a service or a model is unavailable."""


class StallWatch(PeriodicStep):
    """Kills children without progress, and writes the consumer's state for /healthz."""

    requires = (LeaseRenewal,)  # which sets connected_since_s
    every_s = 1.0

    def __init__(self, consumer: Any, **options: object) -> None:
        super().__init__(consumer, **options)
        self._killed: set[int] = set()
        """Killed process IDs; it takes some time until the pool notices."""
        self._replaced_for: set[str] = set()
        """Delivery tags of late messages for which idle children were already killed."""

    def start(self, consumer: Any) -> None:
        """Start watching."""
        forget_replaced_pipes(consumer.pool._pool)
        super().start(consumer)
        self.parent_context.unstarted.clear()
        self._write_state(consuming=True)

    def stop(self, consumer: Any) -> None:
        """Stop watching: the broker connection is lost, or the worker shuts down."""
        super().stop(consumer)
        self._write_state(consuming=False)

    def _write_state(self, *, consuming: bool) -> None:
        context = self.parent_context
        since_s, at_s = context.connected_since_s, context.clock()
        with contextlib.suppress(OSError):  # Celery would take it for a lost broker connection
            context.slots.write_consumer_state(
                ConsumerState(
                    consuming=consuming,
                    since_s=since_s,
                    at_s=at_s,
                    unstarted_s=context.unstarted.longest_s,
                )
            )

    def tick(self, consumer: Any = None) -> None:
        """Kill every child that hangs, and write the consumer's state."""
        context = self.parent_context
        self._count_unstarted()
        self._write_state(consuming=True)
        late = context.unstarted.longer_than(START_WITHIN_S)
        if late - self._replaced_for:
            self._kill_idle_children(consumer)
        self._replaced_for = late
        for state in context.states():
            if loads_too_long(state, context.clock()):
                self._kill(state.pid, "the models did not load in time")
        for state, reason in context.hung_without_request():
            self._kill(state.pid, reason)
        for one in context.active_shards():
            if (stall := context.stall_reason(one.progress)) and self._kill(one.pid, stall):
                context.record_crash(one.request, f"killed: {stall}")

    def _count_unstarted(self) -> None:
        waiting = set(celery_state.reserved_requests) - set(celery_state.active_requests)
        tags = (request.message.delivery_tag for request in waiting)
        idle = len(self.parent_context.idle_children())
        self.parent_context.unstarted.update(tags, idle, self.every_s)

    def _kill_idle_children(self, consumer: Any) -> None:
        """Kill the children without a message, so that Celery's pool replaces them.

        This helps when a child is frozen, and when a message was lost between parent and child. The
        logged state of the pool shows which it was.
        """
        reason, pool = "it did not start a reserved message", describe_pool(consumer)
        idle = self.parent_context.idle_children()
        if [child for child in idle if self._kill(child.pid, reason)]:
            log.critical("state of Celery's pool before the kill: %s", pool)

    def _kill(self, pid: int, reason: str) -> bool:
        """Kill a child; return False if it was killed before."""
        if pid in self._killed:
            return False
        log.critical("killing stalled child pid=%d: %s", pid, reason)
        self._killed.add(pid)
        kill(pid)
        return True


class ChildWatch(PeriodicStep):
    """Shuts the worker down when a slot's children cannot load their model.

    A worker that reloads endlessly looks healthy; an exit code makes the supervisor back off and
    alert.
    """

    every_s = 0.5

    def tick(self, consumer: Any = None) -> None:
        """Drain the worker and set its exit code when a slot has failed too often."""
        slot = first_failed_slot(self.parent_context.states())
        if slot and self.parent_context.drain_deadline_s is None:
            log.critical(
                "slot %d cannot start (failures in a row: %d), shutting down the worker: %s",
                slot.slot,
                slot.failures_in_a_row,
                slot.reason,
            )
            self.parent_context.drain(EXIT_MODEL_UNUSABLE)  # the other slots finish their files
