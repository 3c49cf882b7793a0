"""What the processes of one worker know of each other: one small file per slot in run_dir.

The parent, its children and the metrics server share no memory; a file that is replaced at
once is enough, and survives the child that wrote it.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

MAX_FAILURES = 3
"""Children of one slot that may fail to load their model in a row."""

State = Literal["loading", "ready", "failed"]
WORKER_FILE = "worker.json"


@dataclass(frozen=True, kw_only=True)
class SlotState:
    """How one child is doing."""

    slot: int
    pid: int
    state: State
    device: str = ""
    """In torch's words."""
    device_uuid: str = ""
    """The GPU's UUID; empty on a CPU."""
    threads: int = 1
    """Planned threads within an operator."""
    failures_in_a_row: int = 0
    """Children of this slot that could not load their model, since one could."""
    reason: str = ""
    """Why the last one failed."""
    memory: dict[str, int] | None = None
    """Device memory of the child in bytes: allocated and reserved."""
    on_device: bool = False
    """Whether every parameter of the models was on the planned device after the last shard."""


def hopeless(states: list[SlotState]) -> SlotState | None:
    """PURE: the first slot whose children failed too often in a row."""
    return next((state for state in states if state.failures_in_a_row >= MAX_FAILURES), None)


def why_stuck(states: list[SlotState]) -> str | None:
    """PURE: why the worker can make no progress; None while it can."""
    slot = hopeless(states)
    return f"slot {slot.slot} cannot start: {slot.reason}" if slot else None


def why_not_ready(states: list[SlotState], expected: int) -> str | None:
    """PURE: why the worker cannot take tasks on every device; None when it can."""
    ready = sum(state.state == "ready" for state in states)
    if expected and ready == expected:
        return None
    reasons = "".join(f"; slot {s.slot}: {s.reason}" for s in states if s.reason)
    return f"{ready} of {expected} children are ready{reasons}"


def claim_run_dir(root: Path) -> Path:
    """A directory for this process and its children; those of dead workers are removed."""
    for old in root.glob("[0-9]*"):
        if old.name.isdecimal() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    mine = root / str(os.getpid())
    mine.mkdir(parents=True, exist_ok=True)
    return mine


@dataclass(frozen=True)
class SlotFiles:
    """The files of all slots of one worker."""

    directory: Path

    def start(self, slots: int) -> None:
        """Forget an earlier worker, and say how many children this one has."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for old in self.directory.glob("slot*.json"):
            old.unlink()
        self._replace(self.directory / WORKER_FILE, {"slots": slots, "pid": os.getpid()})

    def expected(self) -> int:
        """How many children there should be; 0 before the worker has started."""
        try:
            return int(json.loads((self.directory / WORKER_FILE).read_text())["slots"])
        except FileNotFoundError:
            return 0

    def write(self, state: SlotState) -> None:
        """Replace what is known of a slot."""
        self._replace(self.directory / f"slot{state.slot}.json", asdict(state))

    def read(self, slot: int) -> SlotState | None:
        """What is known of a slot."""
        try:
            return SlotState(**json.loads((self.directory / f"slot{slot}.json").read_text()))
        except FileNotFoundError:
            return None

    def all(self) -> list[SlotState]:
        """Every slot of which something is known."""
        states = (self.read(slot) for slot in range(self.expected()))
        return [state for state in states if state]

    @staticmethod
    def _replace(path: Path, content: object) -> None:
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(content))
        draft.replace(path)
