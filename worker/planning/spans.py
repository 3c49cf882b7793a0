"""A stretch of speech, and the arithmetic between milliseconds and samples."""

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""Samples per second of everything after decoding: what FunASR's models are trained on."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000


@dataclass(frozen=True, order=True)
class Span:
    """A half-open stretch [start_ms, end_ms) of the samples it was found in."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Length in ms."""
        return self.end_ms - self.start_ms

    @property
    def samples(self) -> slice:
        """The stretch as a slice of samples."""
        return slice(self.start_ms * SAMPLES_PER_MS, self.end_ms * SAMPLES_PER_MS)


def clamp(span: Span, length_ms: int) -> Span | None:
    """The part of a span that lies within audio of this length; None when nothing does."""
    start_ms, end_ms = max(0, span.start_ms), min(span.end_ms, length_ms)
    return Span(start_ms, end_ms) if end_ms > start_ms else None
