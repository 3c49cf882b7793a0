"""Distances between detected segments and the speech, in milliseconds. Pure."""

from dataclasses import dataclass

import numpy as np

Span = tuple[int, int]
"""Start and end in milliseconds."""


@dataclass(frozen=True)
class BoundaryErrors:
    """Signed distances, detected minus true, of utterances that were detected as one segment."""

    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]
    missed: int
    """Utterances without any segment."""

    def within(self, limit_ms: int) -> float:
        """Return the share of all utterances with both boundaries within this limit."""
        pairs = zip(self.starts_ms, self.ends_ms, strict=True)
        good = sum(max(abs(start), abs(end)) <= limit_ms for start, end in pairs)
        return good / max(1, len(self.starts_ms) + self.missed)

    def summary(self) -> dict[str, float]:
        """Return the numbers of the model card; zeros where nothing was detected."""
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
    """Compare one utterance per recording with all segments detected in that recording.

    The start of the first segment and the end of the last one are compared, so a segment on noise
    or one that ends early counts with its whole distance.
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
    """Return the distances of all starts and ends of matching words, in milliseconds."""
    pairs = zip(truth, found, strict=True)
    return [
        distance
        for (start, end), (found_start, found_end) in pairs
        for distance in (found_start - start, found_end - end)
    ]
