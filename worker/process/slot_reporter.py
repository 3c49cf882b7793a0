"""Keeps a slot's state file up to date for /metrics and /healthz: device, memory, crashes."""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from funasr_fleet.worker.events import Event, FileFinished, Observer
from funasr_fleet.worker.process.device_plan import SlotPlan
from funasr_fleet.worker.process.hardware import Gpu
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState

if TYPE_CHECKING:
    from funasr_fleet.worker.engine.interface import Engine

log = logging.getLogger(__name__)

_WRITE_EVERY_S = 5.0
"""While a shard is in progress; more often than metrics are usually scraped."""


@dataclass
class SlotReporter:
    """Writes the state file of a slot; every method may be called from any thread."""

    state: SlotState
    files: SlotFiles
    engine: "Engine"
    clock: Callable[[], float] = time.monotonic
    _written_s: float = field(default=float("-inf"), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @classmethod
    def ready(
        cls, plan: SlotPlan, gpu: Gpu | None, files: SlotFiles, engine: "Engine"
    ) -> "SlotReporter":
        """Write the state "ready" for a child that has loaded its models; return its reporter."""
        before = files.read(plan.slot)
        state = SlotState(
            slot=plan.slot,
            pid=os.getpid(),
            state="ready",
            device=plan.device,
            device_uuid=gpu.uuid if gpu else "",
            threads=plan.threads,
            deaths_in_a_row=before.deaths_in_a_row if before else 0,
        )
        reporter = cls(state, files, engine)
        reporter.write()
        return reporter

    def write(self) -> None:
        """Write the current state; an error is only logged."""
        with self._lock:
            self._written_s = self.clock()
            try:
                memory, on_device = self.engine.memory_bytes(), self.engine.on_device()
                self.files.write(replace(self.state, memory=memory, on_device=on_device))
            except Exception as error:  # a full disk or a lost device must not fail a file here
                log.warning("cannot write state file of slot %d: %s", self.state.slot, error)

    def shard_ended(self) -> None:
        """Reset the slot's count of crashes after a finished shard, and write the state."""
        self.state = replace(self.state, deaths_in_a_row=0)
        self.write()

    def wrap(self, observe: Observer) -> Observer:
        """Wrap an observer so that finished files update the state file, at most every 5 s."""

        def observed(event: Event) -> None:
            observe(event)
            if isinstance(event, FileFinished) and self.clock() - self._written_s >= _WRITE_EVERY_S:
                self.write()

        return observed
