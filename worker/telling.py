"""What a child says of its slot for /metrics and /healthz: its device, its memory, its deaths."""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from worker.events import Event, FileFinished, Observer
from worker.machine import Gpu
from worker.pinning import SlotPlan
from worker.slots import SlotFiles, SlotState

if TYPE_CHECKING:
    from worker.engine.interface import Engine

log = logging.getLogger(__name__)

_EVERY_S = 5.0
"""While a shard is at work: more often than anybody scrapes."""


@dataclass
class SlotTeller:
    """Writes the slot's file; every method may be called from any thread."""

    state: SlotState
    files: SlotFiles
    engine: "Engine"
    clock: Callable[[], float] = time.monotonic
    _told_s: float = field(default=float("-inf"), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @classmethod
    def ready(
        cls, plan: SlotPlan, gpu: Gpu | None, files: SlotFiles, engine: "Engine"
    ) -> "SlotTeller":
        """Of a child that has loaded its models; it has told so when this returns."""
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
        teller = cls(state, files, engine)
        teller.tell()
        return teller

    def tell(self) -> None:
        """How it is now."""
        with self._lock:
            self._told_s = self.clock()
            try:
                memory, on_device = self.engine.memory_bytes(), self.engine.on_device()
                self.files.write(replace(self.state, memory=memory, on_device=on_device))
            except Exception as error:  # a full disk or a lost device is no reason to fail a file
                log.warning("the state of slot %d cannot be told: %s", self.state.slot, error)

    def shard_ended(self) -> None:
        """Whatever ended children of this slot before, it is over."""
        self.state = replace(self.state, deaths_in_a_row=0)
        self.tell()

    def along(self, observe: Observer) -> Observer:
        """The same observer; while files end, the slot's file is kept fresh."""

        def observed(event: Event) -> None:
            observe(event)
            if isinstance(event, FileFinished) and self.clock() - self._told_s >= _EVERY_S:
                self.tell()

        return observed
