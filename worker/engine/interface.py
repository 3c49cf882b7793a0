"""What the pipeline asks of a recogniser; implementations raise only worker.failures' errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from worker.planning.assembly import Recognition
from worker.planning.spans import SAMPLES_PER_MS, Span

Samples = NDArray[np.float32]
"""Mono audio at 16 kHz, shape (samples,), in [-1, 1]."""


@dataclass(eq=False)
class Sound:
    """One stretch of audio on its way through the engine."""

    samples: Samples
    features: Any = None
    """What the engine has computed of it so far; its own affair."""

    def clip(self, span: Span) -> "Clip":
        """A part of it."""
        return Clip(self, span)

    def whole(self) -> "Clip":
        """All of it, to the whole millisecond."""
        return Clip(self, Span(0, len(self.samples) // SAMPLES_PER_MS))


@dataclass(frozen=True)
class Clip:
    """A part of a sound that is to be recognised."""

    sound: Sound
    span: Span

    @property
    def samples(self) -> Samples:
        """The part itself."""
        return self.sound.samples[self.span.samples]


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

    @property
    def fast_paths(self) -> dict[str, bool]:
        """Each fast path by name, and whether it is taken."""

    def find_speech(self, sound: Sound) -> list[Span]:
        """Where somebody speaks, in order of time, not overlapping."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """What is said in each clip, of whichever sound: one result each, in the same order."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with punctuation; unchanged without a punctuation model."""

    def tell_speakers(self, clips: Sequence[Clip]) -> list[str]:
        """A label per clip, the same for the same voice."""

    def hold_threads(self) -> int:
        """Return torch's thread count as found, and set it back to what was planned."""

    def on_device(self) -> bool:
        """Whether every parameter of the models is still where it was put."""

    def memory_bytes(self) -> dict[str, int]:
        """Device memory of this process: allocated and reserved; empty on a CPU."""
