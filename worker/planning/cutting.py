"""Speech in lengths that a model likes: what is too long is cut, what lies close is merged."""

import numpy as np
from numpy.typing import NDArray

from worker.planning.spans import SAMPLES_PER_MS, Span

NEAR_MS = 1000
"""Pauses up to this belong to what is said: FSMN-VAD ends a stretch after 0.8 s without speech.
More would be silence to compute, in which models that write from their own words make things up."""
_QUIET_MS = 150
"""Length over which it is to be quiet: a pause between words, longer than the closure of a stop."""


def cut_quietest(samples: NDArray[np.float32], longest_ms: int) -> list[tuple[int, int]]:
    """Cut audio where it is quietest.

    Each cut is where 150 ms around it have the least energy, between two thirds of the longest
    length and all of it after the cut before; where it is equally quiet, as late as can be. No
    piece is shorter than a third of the longest length.

    Args:
        samples: mono at 16 kHz; what remains after the last whole millisecond is left out.
        longest_ms: what no piece may exceed, at least 1.

    Returns:
        (start, end) in ms of each piece, one behind the other.

    Raises:
        ValueError: longest_ms is less than 1.
    """
    if longest_ms < 1:
        raise ValueError(f"pieces of at most {longest_ms} ms cannot be")
    length_ms = len(samples) // SAMPLES_PER_MS
    if length_ms <= longest_ms:
        return [(0, length_ms)] if length_ms else []
    energy = _energy(samples[: length_ms * SAMPLES_PER_MS])
    edges = [0]
    while length_ms - edges[-1] > longest_ms:
        edges.append(_quietest(energy, *_bounds(edges[-1], length_ms, longest_ms)))
    return list(zip(edges, [*edges[1:], length_ms], strict=True))


def _energy(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy of all audio before each ms, shape (ms + 1,): of any stretch by one subtraction."""
    by_ms = samples.reshape(-1, SAMPLES_PER_MS)
    energy = np.einsum("ij,ij->i", by_ms, by_ms, dtype=np.float64)
    return np.concatenate([[0.0], np.cumsum(energy)])


def _bounds(start_ms: int, length_ms: int, longest_ms: int) -> tuple[int, int]:
    """First and last ms at which the piece that begins here may end."""
    third_ms = longest_ms // 3
    return start_ms + longest_ms - third_ms, min(start_ms + longest_ms, length_ms - third_ms)


def _quietest(energy: NDArray[np.float64], first_ms: int, last_ms: int) -> int:
    """The ms with the least energy around it; the last of several."""
    at_ms = np.arange(last_ms, first_ms - 1, -1)
    begin = np.maximum(at_ms - _QUIET_MS // 2, 0)
    end = np.minimum(at_ms + _QUIET_MS // 2, len(energy) - 1)
    return int(at_ms[np.argmin((energy[end] - energy[begin]) / (end - begin))])


def may_merge(one: Span, other: Span, longest_ms: int, gap_ms: int = NEAR_MS) -> bool:
    """Whether two stretches may be recognised as one: near each other and not too long together.

    Args:
        one: the earlier one.
        other: the later one.
        longest_ms: what both and the gap between them may come to.
        gap_ms: what may lie between them.
    """
    whole_ms = max(one.end_ms, other.end_ms) - one.start_ms
    return other.start_ms - one.end_ms <= gap_ms and whole_ms <= longest_ms
