"""The steps of the engine; each has a stock path and may have a fast one."""

from collections.abc import Sequence
from typing import Protocol

from worker.engine.interface import Clip, Hints, Listener, RanOut, unheeded
from worker.planning.assembly import Recognition


class Detector(Protocol):
    """Finds speech."""

    def listen(self, ran_out: RanOut = unheeded) -> Listener:
        """Begin with one audio; say when the device's memory is too small for a while."""


class Recogniser(Protocol):
    """Recognises one batch at a time."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """One result per clip, in the same order."""


class Punctuator(Protocol):
    """Puts punctuation into texts."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with its marks; an empty one stays empty."""
