"""Adjust speech spans to a model's preferred lengths: cut long spans, merge near ones."""

import numpy as np
from numpy.typing import NDArray

from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span

NEAR_MS = 1000
"""Maximum pause to merge across: FSMN-VAD ends a span after 0.8 s without speech. Longer silence
costs computation, and autoregressive models hallucinate in it."""
_QUIET_MS = 150
"""Window for measuring quietness: a pause between words, longer than a stop consonant's closure."""


def cut_quietest(samples: NDArray[np.float32], longest_ms: int) -> list[tuple[int, int]]:
    """Cut audio at its quietest places.

    Each cut is at the centre of the 150 ms with the least energy, between two thirds of longest_ms
    and longest_ms after the previous cut; of equally quiet places, the latest is used. No piece is
    shorter than a third of longest_ms.

    Args:
        samples: mono at 16 kHz; samples after the last whole millisecond are left out.
        longest_ms: maximum length of a piece, at least 1.

    Returns:
        (start, end) in ms of each piece, adjacent and in order.

    Raises:
        ValueError: longest_ms is less than 1.
    """
    if longest_ms < 1:
        raise ValueError(f"the maximum length must be at least 1 ms, not {longest_ms} ms")
    length_ms = len(samples) // SAMPLES_PER_MS
    if length_ms <= longest_ms:
        return [(0, length_ms)] if length_ms else []
    energy = _energy(samples[: length_ms * SAMPLES_PER_MS])
    edges = [0]
    while length_ms - edges[-1] > longest_ms:
        edges.append(_quietest(energy, *_bounds(edges[-1], length_ms, longest_ms)))
    return list(zip(edges, [*edges[1:], length_ms], strict=True))


def _energy(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cumulative energy before each ms, shape (ms + 1,); a range's energy is a difference."""
    by_ms = samples.reshape(-1, SAMPLES_PER_MS)
    energy = np.einsum("ij,ij->i", by_ms, by_ms, dtype=np.float64)
    return np.concatenate([[0.0], np.cumsum(energy)])


def _bounds(start_ms: int, length_ms: int, longest_ms: int) -> tuple[int, int]:
    """First and last ms at which the piece that begins at start_ms may end."""
    third_ms = longest_ms // 3
    return start_ms + longest_ms - third_ms, min(start_ms + longest_ms, length_ms - third_ms)


def _quietest(energy: NDArray[np.float64], first_ms: int, last_ms: int) -> int:
    """The ms with the least energy around it; in a tie, the latest."""
    at_ms = np.arange(last_ms, first_ms - 1, -1)
    begin = np.maximum(at_ms - _QUIET_MS // 2, 0)
    end = np.minimum(at_ms + _QUIET_MS // 2, len(energy) - 1)
    return int(at_ms[np.argmin((energy[end] - energy[begin]) / (end - begin))])


def may_merge(one: Span, other: Span, longest_ms: int, gap_ms: int = NEAR_MS) -> bool:
    """Whether two spans may be recognised as one: close together, and not too long in total.

    Args:
        one: the earlier span.
        other: the later span.
        longest_ms: maximum length of both spans including the gap.
        gap_ms: maximum gap between them.
    """
    whole_ms = max(one.end_ms, other.end_ms) - one.start_ms
    return other.start_ms - one.end_ms <= gap_ms and whole_ms <= longest_ms
