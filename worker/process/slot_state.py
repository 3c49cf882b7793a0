"""State shared by the processes of a worker: small JSON files in run_dir, one per slot.

The parent, its children and the metrics server share no memory. Files are replaced atomically, and
outlive the child that wrote them. A child keeps its own file up to date with a SlotReporter.
"""

import contextlib
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from funasr_fleet.worker.events import (
    Event,
    FileFinished,
    Observer,
    ShardDeadLettered,
    ShardFinished,
    ShardRetryScheduled,
    ShardSplit,
)
from funasr_fleet.worker.process.hardware import Gpu, SlotPlan

if TYPE_CHECKING:
    from funasr_fleet.worker.engine.interface import Engine


log = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed"]
_WORKER_FILE = "worker.json"
_CONSUMER_FILE = "consumer.json"
_DRAIN_FILE = "draining"


@dataclass(frozen=True, kw_only=True)
class SlotState:
    """State of one child."""

    slot: int
    pid: int
    state: State
    device: str = ""
    """torch's name of the device."""
    device_uuid: str = ""
    """The GPU's UUID; empty on a CPU."""
    threads: int = 1
    """Planned intra-op threads."""
    failures_in_a_row: int = 0
    """Consecutive children of this slot that could not load their model."""
    reason: str = ""
    """Why the last one failed."""
    cannot_start: bool = False
    """Whether every other child of the slot would fail for the same reason."""
    memory: dict[str, int] | None = None
    """Device memory of the child in bytes: allocated and reserved."""
    on_device: bool = False
    """Whether all parameters of the models were on the planned device at the last write."""
    loading_since_s: float = 0.0
    """Time of the monotonic clock."""
    deaths_in_a_row: int = 0
    """Consecutive children of this slot that exited without a finished shard."""
    postponed_in_a_row: int = 0
    """Consecutive shards that the child postponed."""
    postponed_because: str = ""
    """Why it postponed the last of them."""
    model_revision: str = ""
    """Revision of the loaded models; empty before they are loaded."""
    abilities: str = ""
    """Abilities of the loaded models, as JSON; empty before they are loaded."""


@dataclass(frozen=True, kw_only=True)
class ConsumerState:
    """State of the parent's event loop; times are of the monotonic clock."""

    consuming: bool
    """False while the broker is unavailable."""
    since_s: float
    """When the parent last connected to the broker."""
    at_s: float
    """When the loop wrote this state."""
    unstarted_s: float = 0.0
    """Longest time that a reserved message was not started although a child was idle."""


@dataclass(frozen=True)
class SlotFiles:
    """The state files in a worker's run directory."""

    directory: Path

    def start(self, slots: int) -> None:
        """Delete the files of an earlier worker, and write this worker's number of children."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for old in (*self.directory.glob("slot*"), self.directory / _DRAIN_FILE):
            old.unlink(missing_ok=True)
        worker = {"slots": slots, "pid": os.getpid(), "token": secrets.token_hex(8)}
        self._replace(self.directory / _WORKER_FILE, worker)

    def expected(self) -> int:
        """Return the number of children that the worker should have; 0 before it has started."""
        return int(self._read_worker().get("slots", 0))

    def token(self) -> str:
        """Return this worker's unique token, which changes when it is restarted."""
        return str(self._read_worker()["token"])

    def _read_worker(self) -> dict[str, int | str]:
        with contextlib.suppress(FileNotFoundError):
            return dict(json.loads((self.directory / _WORKER_FILE).read_text()))
        return {}

    def write_consumer_state(self, state: ConsumerState) -> None:
        """Replace the state of the parent's event loop."""
        self._replace(self.directory / _CONSUMER_FILE, asdict(state))

    def consumer(self) -> ConsumerState | None:
        """Read the state of the parent's event loop; None before it has started."""
        try:
            return ConsumerState(**json.loads((self.directory / _CONSUMER_FILE).read_text()))
        except FileNotFoundError:
            return None

    def mark_draining(self) -> None:
        """Tell the children not to start another file."""
        (self.directory / _DRAIN_FILE).touch()

    def draining(self) -> bool:
        """Whether the worker is shutting down."""
        return (self.directory / _DRAIN_FILE).exists()

    def write(self, state: SlotState) -> None:
        """Replace the state of a slot."""
        self._replace(self.directory / f"slot{state.slot}.json", asdict(state))

    def read(self, slot: int) -> SlotState | None:
        """Read the state of a slot; None before it was written."""
        try:
            return SlotState(**json.loads((self.directory / f"slot{slot}.json").read_text()))
        except FileNotFoundError:
            return None

    def all(self) -> list[SlotState]:
        """Read the states of all slots that have one."""
        states = (self.read(slot) for slot in range(self.expected()))
        return [state for state in states if state]

    @staticmethod
    def _replace(path: Path, content: object) -> None:
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(content))
        draft.replace(path)


_WRITE_EVERY_S = 5.0
"""Minimum time between writes while a shard is in progress; shorter than usual scrape intervals."""


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
            model_revision=engine.identity.model_revision,
            abilities=engine.abilities.model_dump_json(),
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
        """Return an observer that calls `observe`, and updates the state of the slot.

        The state file is written at most every 5 s as files end.
        """

        def observed(event: Event) -> None:
            observe(event)
            match event:
                case FileFinished():
                    if self.clock() - self._written_s >= _WRITE_EVERY_S:
                        self.write()
                case ShardFinished() | ShardDeadLettered() | ShardSplit():
                    self.state = replace(self.state, postponed_in_a_row=0, postponed_because="")
                case ShardRetryScheduled(kind="job_locked"):
                    pass  # the shard itself is processed
                case ShardRetryScheduled(kind=kind, reason=reason):
                    number, why = self.state.postponed_in_a_row + 1, f"{kind}: {reason}"
                    self.state = replace(
                        self.state, postponed_in_a_row=number, postponed_because=why
                    )
                    self.write()

        return observed
