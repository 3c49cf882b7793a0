"""What the pipeline asks of a recogniser; implementations raise only worker.failures' errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.planning.assembly import Recognition
from worker.planning.spans import Span

Samples = NDArray[np.float32]
"""Mono audio at 16 kHz, shape (samples,), in [-1, 1]."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a receipt says of the engine."""

    model: str
    """Name as configured."""
    model_revision: str
    """sha256 over the files of all models loaded."""
    funasr: str
    torch: str
    device: str
    """In torch's words."""
    precision: str


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What may help the recogniser."""

    language: str | None = None
    hotwords: tuple[str, ...] = ()


class Engine(Protocol):
    """A loaded recogniser on one device."""

    @property
    def identity(self) -> Identity:
        """What a receipt says of it."""

    def find_speech(self, samples: Samples) -> list[Span]:
        """Where somebody speaks, in order of time, not overlapping."""

    def recognise(self, clips: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """What is said in each clip: one result per clip, in the same order."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with punctuation; unchanged without a punctuation model."""

    def tell_speakers(self, clips: Sequence[Samples]) -> list[str]:
        """A label per clip, the same for the same voice."""

    def hold_threads(self) -> int:
        """Return torch's thread count as found, and set it back to what was planned."""

    def on_device(self) -> bool:
        """Whether every parameter of the models is still where it was put."""

    def memory_bytes(self) -> dict[str, int]:
        """Device memory of this process: allocated and reserved; empty on a CPU."""
