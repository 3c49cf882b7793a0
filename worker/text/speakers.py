"""Speaker labels: which embeddings to cluster, how to label the others, and speaker turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from funasr_fleet.contract.transcript import Segment
from funasr_fleet.worker.text.alignment import align
from funasr_fleet.worker.text.segments import TextPart, split_segment
from funasr_fleet.worker.text.spans import Span

Rows = NDArray[np.float32]
"""Embeddings, shape (rows, dimensions)."""
Labels = NDArray[np.int64]
"""A cluster per row, counted from 0."""

WINDOW_MS, SHIFT_MS = 1500, 750
"""Length and shift of the windows that FunASR embeds (its sv_chunk)."""


def nonzero_mask(rows: Rows) -> NDArray[np.bool_]:
    """Which rows are usable embeddings: finite and not all zero."""
    is_valid: NDArray[np.bool_] = np.isfinite(rows).all(axis=1) & np.any(rows, axis=1)
    return is_valid


def choose(weights: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Select at most `limit` rows, evenly distributed and reproducible; returns their indices.

    The rows are divided into `limit` bins of equal size. The heaviest row of each bin is selected;
    ties are broken by a seeded random number, because always taking the first could select only one
    of two alternating speakers.
    """
    count = len(weights)
    if count <= limit:
        return np.arange(count)
    bins = np.arange(count) * limit // count
    tie_breakers = np.random.default_rng(0).random(count)
    order = np.lexsort((tie_breakers, -weights, bins))
    _, firsts = np.unique(bins[order], return_index=True)
    return np.sort(order[firsts])


def centroids(rows: Rows, labels: Labels) -> Rows:
    """The mean of each cluster; row n belongs to label n."""
    return np.stack([rows[labels == label].mean(axis=0) for label in range(labels.max() + 1)])


def nearest(rows: Rows, centers: Rows) -> Labels:
    """The nearest centre of each row by cosine; needs memory for shape (rows, centres)."""
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    labels: Labels = np.argmax(rows @ (centers / np.maximum(lengths, 1e-12)).T, axis=1)
    return labels


def fill_unclustered(labels: Labels, is_valid: NDArray[np.bool_]) -> Labels:
    """Give invalid rows the label of the previous valid row, or of the first valid row."""
    valid_rows = np.flatnonzero(is_valid)
    previous = np.searchsorted(valid_rows, np.arange(len(labels)), side="right") - 1
    return labels[valid_rows[np.maximum(previous, 0)]]


def renumber(labels: Sequence[object]) -> list[str]:
    """Rename labels in order of first occurrence: the first speaker is "0"."""
    numbers: dict[object, str] = {}
    return [numbers.setdefault(label, str(len(numbers))) for label in labels]


@dataclass(frozen=True)
class Turn:
    """A range in which one speaker speaks."""

    span: Span
    speaker: str


def turns(span: Span, speakers: Sequence[str], shortest_ms: int = 1000) -> list[Turn]:
    """Cut a span where its speaker changes.

    Each moment belongs to the window whose middle is nearest. A turn shorter than `shortest_ms`,
    such as a single window between two of another speaker, is merged with its longer neighbour.

    Args:
        span: a span of speech.
        speakers: a label per window of the span, in order; at least one.
        shortest_ms: minimum length of a turn; FunASR uses 700, which every window exceeds.

    Returns:
        Turns that cover the span without gaps; adjacent turns have different speakers.
    """
    edges = [span.start_ms, *_changes(span, len(speakers)), span.end_ms]
    windows = [
        Turn(Span(*edge), speaker) for edge, speaker in zip(pairwise(edges), speakers, strict=True)
    ]
    speaker_turns = _merge_same_speaker(windows)
    while len(speaker_turns) > 1 and (at := _shortest(speaker_turns, shortest_ms)) is not None:
        speaker_turns[at] = Turn(
            speaker_turns[at].span, _longer_neighbour(speaker_turns, at).speaker
        )
        speaker_turns = _merge_same_speaker(speaker_turns)
    return speaker_turns


def speaker_at(speaker_turns: Sequence[Turn], span: Span) -> str:
    """The speaker of most of a span, such as a sentence or a word; in a tie, the earlier one."""
    return max(speaker_turns, key=lambda turn: _overlap_ms(turn.span, span)).speaker


def split_turns(segment: Segment, speaker_turns: Sequence[Turn]) -> list[Segment]:
    """Split a segment into one segment per turn with text, each with its speaker.

    Args:
        segment: if it has no words, or words that do not match its text, it is not split and gets
            the speaker of most of it.
        speaker_turns: the turns within the segment, in the segment's times.
    """
    pieces = align(segment.text, segment.words or ()) if len(speaker_turns) > 1 else None
    parts: list[TextPart] = []
    for piece in pieces or ():
        speaker = speaker_at(
            speaker_turns, Span(piece.start_ms, max(piece.end_ms, piece.start_ms + 1))
        )
        if parts and parts[-1].speaker == speaker:
            parts[-1] = parts[-1]._replace(text=parts[-1].text + piece.text)
        else:
            parts.append(TextPart(piece.text, piece.start_ms, speaker))
    whole = TextPart(
        segment.text,
        segment.start_ms,
        speaker_at(speaker_turns, Span(segment.start_ms, segment.end_ms)),
    )
    return split_segment(segment, parts or [whole])


def _changes(span: Span, windows: int) -> list[int]:
    """Borders between windows, midway between their middles, in ms.

    The last window ends with the span.
    """
    last = max(span.end_ms - WINDOW_MS // 2, span.start_ms)
    middles = [span.start_ms + WINDOW_MS // 2 + SHIFT_MS * number for number in range(windows)]
    return [(min(one, last) + min(other, last)) // 2 for one, other in pairwise(middles)]


def _merge_same_speaker(speaker_turns: Sequence[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in speaker_turns:
        if merged and merged[-1].speaker == turn.speaker:
            whole = Span(merged.pop().span.start_ms, turn.span.end_ms)
            merged.append(Turn(whole, turn.speaker))
        else:
            merged.append(turn)
    return merged


def _shortest(speaker_turns: Sequence[Turn], shortest_ms: int) -> int | None:
    at = min(range(len(speaker_turns)), key=lambda number: speaker_turns[number].span.length_ms)
    return at if speaker_turns[at].span.length_ms < shortest_ms else None


def _longer_neighbour(speaker_turns: Sequence[Turn], at: int) -> Turn:
    neighbours = [
        speaker_turns[number] for number in (at - 1, at + 1) if 0 <= number < len(speaker_turns)
    ]
    return max(neighbours, key=lambda turn: turn.span.length_ms)


def _overlap_ms(one: Span, other: Span) -> int:
    return min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms)
