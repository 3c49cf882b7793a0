"""How far the detector's segments are from the speech: pure arithmetic on milliseconds."""

from dataclasses import dataclass

import numpy as np

Span = tuple[int, int]
"""Start and end in milliseconds."""


@dataclass(frozen=True)
class BoundaryErrors:
    """Signed distances, detected minus true, of the utterances that were found as one piece."""

    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]
    missed: int
    """Utterances without any segment."""

    def within(self, limit_ms: int) -> float:
        """Share of all utterances with both boundaries at most this far off."""
        pairs = zip(self.starts_ms, self.ends_ms, strict=True)
        good = sum(max(abs(start), abs(end)) <= limit_ms for start, end in pairs)
        return good / max(1, len(self.starts_ms) + self.missed)

    def summary(self) -> dict[str, float]:
        """What the model card prints; zeros where nothing was found."""
        starts, ends = self.starts_ms or (0,), self.ends_ms or (0,)
        return {
            "both_within_150_percent": round(100 * self.within(150), 2),
            "start_median_ms": float(np.median(starts)),
            "end_median_ms": float(np.median(ends)),
            "start_95_percent_ms": float(np.quantile(np.abs(starts), 0.95)),
            "end_95_percent_ms": float(np.quantile(np.abs(ends), 0.95)),
            "missed": self.missed,
        }


def boundary_errors(truth: list[Span], found: list[list[Span]]) -> BoundaryErrors:
    """Compares one utterance per recording with all segments found in that recording.

    The first segment's start and the last one's end count, so a segment that belongs to noise
    or that stops early is an error of its whole distance.
    """
    starts, ends, missed = [], [], 0
    for (start, end), segments in zip(truth, found, strict=True):
        if not segments:
            missed += 1
            continue
        starts.append(segments[0][0] - start)
        ends.append(segments[-1][1] - end)
    return BoundaryErrors(tuple(starts), tuple(ends), missed)


def word_time_errors(truth: list[Span], found: list[Span]) -> list[int]:
    """Distance of every start and every end of matching words, in milliseconds."""
    pairs = zip(truth, found, strict=True)
    return [
        distance
        for (start, end), (found_start, found_end) in pairs
        for distance in (found_start - start, found_end - end)
    ]
