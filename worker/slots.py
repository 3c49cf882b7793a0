"""What the processes of one worker know of each other: one small file per slot in run_dir.

The parent, its children and the metrics server share no memory; a file that is replaced at
once is enough, and survives the child that wrote it.
"""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

State = Literal["loading", "ready", "failed"]
_WORKER_FILE = "worker.json"
_CONSUMER_FILE = "consumer.json"
_DRAIN_FILE = "draining"


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
    loading_since_s: float = 0.0
    """By the monotonic clock."""
    deaths_in_a_row: int = 0
    """Children of this slot that ended since one of them ended a shard."""


@dataclass(frozen=True, kw_only=True)
class ConsumerState:
    """How the parent's loop is doing; times are of the monotonic clock."""

    consuming: bool
    """False while the broker is away."""
    since_s: float
    """Since when the broker is in touch."""
    at_s: float
    """When the loop last said so."""


@dataclass(frozen=True)
class SlotFiles:
    """The files of all slots of one worker."""

    directory: Path

    def start(self, slots: int) -> None:
        """Forget an earlier worker, and say how many children this one has."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for old in (*self.directory.glob("slot*"), self.directory / _DRAIN_FILE):
            old.unlink(missing_ok=True)
        about = {"slots": slots, "pid": os.getpid(), "token": secrets.token_hex(8)}
        self._replace(self.directory / _WORKER_FILE, about)

    def expected(self) -> int:
        """How many children there should be; 0 before the worker has started."""
        return int(self._about().get("slots", 0))

    def token(self) -> str:
        """A name that no other worker has, nor this one after a restart."""
        return str(self._about()["token"])

    def _about(self) -> dict[str, int | str]:
        with contextlib.suppress(FileNotFoundError):
            return dict(json.loads((self.directory / _WORKER_FILE).read_text()))
        return {}

    def say_consumer(self, state: ConsumerState) -> None:
        """Replace what is known of the parent's loop."""
        self._replace(self.directory / _CONSUMER_FILE, asdict(state))

    def consumer(self) -> ConsumerState | None:
        """How the parent's loop is doing; None before it began."""
        try:
            return ConsumerState(**json.loads((self.directory / _CONSUMER_FILE).read_text()))
        except FileNotFoundError:
            return None

    def say_draining(self) -> None:
        """No child is to begin another file."""
        (self.directory / _DRAIN_FILE).touch()

    def draining(self) -> bool:
        """Whether the worker is about to end."""
        return (self.directory / _DRAIN_FILE).exists()

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
