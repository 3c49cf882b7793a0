"""What happens in a worker child, as frozen values; who counts or prints it is not said here."""

from dataclasses import dataclass, field
from typing import Protocol

from contract.transcript import Outcome, Stage


@dataclass(frozen=True, kw_only=True)
class ModelReady:
    """A child has loaded its models and passed the canary."""

    slot: int
    device: str
    """Where the model sits, in torch's words."""
    device_name: str
    device_uuid: str
    seconds: float
    threads: int
    fast_paths: dict[str, bool] = field(default_factory=dict)
    """Each fast path by name, and whether it is taken."""


@dataclass(frozen=True, kw_only=True)
class ShardStarted:
    """A shard was taken from the queue."""

    shard: str
    job: str | None
    files: int
    queue_wait_s: float | None
    """From publishing to now; None when the sender did not say when."""
    redelivered: bool


@dataclass(frozen=True, kw_only=True)
class FileFinished:
    """A file has its outcome."""

    shard: str
    job: str | None
    audio: str
    index: int | None
    outcome: Outcome
    audio_s: float
    seconds: float
    """All stages from fetching to the commit; waiting for the file before is left out."""
    stages_s: dict[Stage, float] = field(default_factory=dict)
    threads: int = 0
    """torch's threads, as found after the file."""
    error: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ShardFinished:
    """Every file of a shard has its outcome."""

    shard: str
    job: str | None
    seconds: float
    threads_before: int
    threads_after: int
    resident_bytes: int


@dataclass(frozen=True, kw_only=True)
class ShardPutAside:
    """A message went to the dead letters."""

    message_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShardPostponed:
    """A shard goes back to the queue to be tried later."""

    shard: str
    reason: str
    delay_s: float


Event = ModelReady | ShardStarted | FileFinished | ShardFinished | ShardPutAside | ShardPostponed


class Observer(Protocol):
    """Hears of every event; must not raise."""

    def __call__(self, event: Event) -> None:
        """Take note."""
