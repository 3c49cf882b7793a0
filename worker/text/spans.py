"""Span: a range of speech, and the conversion between milliseconds and samples."""

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""Samples per second of all decoded audio; FunASR's models are trained at this rate."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range [start_ms, end_ms) of the samples in which it was detected."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Length in ms."""
        return self.end_ms - self.start_ms

    @property
    def samples(self) -> slice:
        """The range as a slice of samples."""
        return slice(self.start_ms * SAMPLES_PER_MS, self.end_ms * SAMPLES_PER_MS)


def clamp(span: Span, length_ms: int) -> Span | None:
    """The part of a span within audio of this length; None if there is none."""
    start_ms, end_ms = max(0, span.start_ms), min(span.end_ms, length_ms)
    return Span(start_ms, end_ms) if end_ms > start_ms else None
