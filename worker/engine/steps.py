"""Protocols of the engine's steps; each step has a stock path and may have a fast path."""

from collections.abc import Sequence
from typing import Protocol

from funasr_fleet.worker.engine.interface import Clip, Hints, OnOom, StreamingVad, ignore
from funasr_fleet.worker.text.segments import Recognition


class Detector(Protocol):
    """Detects speech (VAD)."""

    def start_vad(self, on_oom: OnOom = ignore) -> StreamingVad:
        """Start VAD of one audio.

        Args:
            on_oom: called when the device's memory is too small, before a retry.
        """


class Recogniser(Protocol):
    """Recognises clips, one batch per call."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """One result per clip, in the same order."""


class Punctuator(Protocol):
    """Adds punctuation to texts."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with punctuation; an empty text stays empty."""
