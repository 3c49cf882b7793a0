"""What the pipeline asks of a recogniser; implementations raise only worker.failures' errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.abilities import Abilities
from worker.planning.assembly import Recognition
from worker.planning.spans import SAMPLE_RATE, SAMPLES_PER_MS, Span

Samples = NDArray[np.float32]
"""Mono audio at 16 kHz, shape (samples,), in [-1, 1]."""

BLOCK_SAMPLES = 60 * SAMPLE_RATE
"""Audio comes to a listener in blocks of a minute, in which FunASR's own VAD looks at it too."""


RanOut = Callable[[], None]
"""Told that the device's memory was too small, before the same is tried again."""


def unheeded() -> None:
    """For those who need not know."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A stretch of speech, cut out of the audio that it was found in."""

    span: Span
    """Where it was found, in ms from the first sample heard."""
    samples: Samples
    features: Any = None
    """What the engine has computed of it so far; its own affair."""

    @property
    def seconds(self) -> float:
        """Length in s."""
        return len(self.samples) / SAMPLE_RATE


def as_clip(samples: Samples) -> Clip:
    """All of some samples, to the whole millisecond."""
    length_ms = len(samples) // SAMPLES_PER_MS
    return Clip(Span(0, length_ms), samples[: length_ms * SAMPLES_PER_MS])


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
    itn: bool | None = None
    """Whether numbers are written in digits; None leaves it to the model."""
    word_times: bool = field(default=False, compare=False)
    """Whether somebody wants them, for which some models must work; the text is the same."""


Voice = NDArray[np.float32]
"""What a voice sounds like, window by window, shape (windows, dimensions)."""


class Listener(Protocol):
    """Finds speech in one audio while it comes in."""

    def hear(self, block: Samples) -> list[Clip]:
        """Take the next block; return the speech that is known to have ended.

        Args:
            block: BLOCK_SAMPLES samples, but for the last one, which may be shorter.
        """

    def finish(self) -> list[Clip]:
        """Say that nothing follows; return the rest of the speech."""


class Engine(Protocol):
    """A loaded recogniser on one device."""

    @property
    def identity(self) -> Identity:
        """What a receipt says of it."""

    @property
    def fast_paths(self) -> dict[str, bool]:
        """Each fast path by name, and whether it is taken."""

    @property
    def abilities(self) -> Abilities:
        """What its models can do together."""

    @property
    def longest_s(self) -> float:
        """The longest clip that it recognises, in s."""

    def listen(self) -> Listener:
        """Begin to look for speech in one audio; it comes in order of time, not overlapping."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """What is said in each clip, of whichever audio: one result each, in the same order."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with punctuation; unchanged without a punctuation model."""

    def hear_voices(self, clips: Sequence[Clip]) -> list[Voice]:
        """What the voice of each clip sounds like."""

    def tell_apart(
        self, voices: Sequence[Voice], count: int | None = None, seconds: Sequence[float] = ()
    ) -> list[list[str]]:
        """A label per window of each voice of one recording, the same for the same speaker.

        Args:
            voices: as hear_voices gave them, in order of time.
            count: how many speakers there are, if that is known.
            seconds: how long each was heard, if that is known.
        """

    def hold_threads(self) -> int:
        """Return torch's thread count as found, and set it back to what was planned."""

    def on_device(self) -> bool:
        """Whether every parameter of the models is still where it was put."""

    def memory_bytes(self) -> dict[str, int]:
        """Device memory of this process: allocated and reserved; empty on a CPU."""


def find_speech(listener: Listener, samples: Samples) -> list[Clip]:
    """The speech in audio that is there already."""
    blocks = (samples[at : at + BLOCK_SAMPLES] for at in range(0, len(samples), BLOCK_SAMPLES))
    return [clip for block in blocks for clip in listener.hear(block)] + listener.finish()
