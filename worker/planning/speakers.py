"""Whose voice is whose: which voices are clustered, to whom the others belong, who comes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contract.transcript import Segment
from worker.planning.aligning import align
from worker.planning.parting import Part, part
from worker.planning.spans import Span

Rows = NDArray[np.float32]
"""Embeddings, shape (rows, dimensions)."""
Labels = NDArray[np.int64]
"""A cluster per row, counted from 0."""

WINDOW_MS, SHIFT_MS = 1500, 750
"""What FunASR takes an embedding of, and how far apart such windows begin (its sv_chunk)."""


def audible(rows: Rows) -> NDArray[np.bool_]:
    """Which rows point anywhere: zeros, infinities and NaN say nothing of a voice."""
    says: NDArray[np.bool_] = np.isfinite(rows).all(axis=1) & np.any(rows, axis=1)
    return says


def choose(weights: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Positions of at most so many rows, from everywhere alike, and the same ones each time.

    One out of each of `most` stretches of equal length: the heaviest, or one of those by lot.
    Always the first would hear only one side of two people who take turns.
    """
    count = len(weights)
    if count <= most:
        return np.arange(count)
    stretches = np.arange(count) * most // count
    lots = np.random.default_rng(0).random(count)
    order = np.lexsort((lots, -weights, stretches))
    _, firsts = np.unique(stretches[order], return_index=True)
    return np.sort(order[firsts])


def centroids(rows: Rows, labels: Labels) -> Rows:
    """The mean of each cluster; label n is row n."""
    return np.stack([rows[labels == label].mean(axis=0) for label in range(labels.max() + 1)])


def nearest(rows: Rows, centers: Rows) -> Labels:
    """The centre that each row is closest to by cosine; shape (rows, centres) at most in memory."""
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    labels: Labels = np.argmax(rows @ (centers / np.maximum(lengths, 1e-12)).T, axis=1)
    return labels


def lend(labels: Labels, known: NDArray[np.bool_]) -> Labels:
    """Let rows that are not known take the label before them, the first ones the one after."""
    places = np.flatnonzero(known)
    before = np.searchsorted(places, np.arange(len(labels)), side="right") - 1
    return labels[places[np.maximum(before, 0)]]


def renumber(labels: Sequence[object]) -> list[str]:
    """The same groups, named in the order in which they come: "0" speaks first."""
    numbers: dict[object, str] = {}
    return [numbers.setdefault(label, str(len(numbers))) for label in labels]


@dataclass(frozen=True)
class Turn:
    """A stretch in which one speaker speaks."""

    span: Span
    speaker: str


def turns(span: Span, speakers: Sequence[str], shortest_ms: int = 1000) -> list[Turn]:
    """Cut a span where its speaker changes.

    Each moment belongs to the window whose middle is nearest. What would be shorter than
    `shortest_ms`, such as a single window between two of others, goes to its longer neighbour.

    Args:
        span: a span of speech.
        speakers: a label per window of the span, in order; at least one.
        shortest_ms: length of the shortest turn; FunASR takes 700, which a window always has.

    Returns:
        Turns that cover the span without gaps, no two neighbours by the same speaker.
    """
    edges = [span.start_ms, *_changes(span, len(speakers)), span.end_ms]
    found = [Turn(Span(*edge), who) for edge, who in zip(pairwise(edges), speakers, strict=True)]
    cut = _joined(found)
    while len(cut) > 1 and (at := _shortest(cut, shortest_ms)) is not None:
        cut[at] = Turn(cut[at].span, _longer_neighbour(cut, at).speaker)
        cut = _joined(cut)
    return cut


def whose(cut: Sequence[Turn], span: Span) -> str:
    """Who speaks most of a stretch, such as a sentence or a word; of two the earlier."""
    return max(cut, key=lambda turn: _overlap_ms(turn.span, span)).speaker


def split_turns(segment: Segment, cut: Sequence[Turn]) -> list[Segment]:
    """A segment for each turn in which something was said, with its speaker.

    Args:
        segment: without words, or with such as are unlike its text, it stays whole and belongs to
            whoever speaks most of it.
        cut: the turns of the segment, in its times.
    """
    pieces = align(segment.text, segment.words or ()) if len(cut) > 1 else None
    parts: list[Part] = []
    for piece in pieces or ():
        who = whose(cut, Span(piece.start_ms, max(piece.end_ms, piece.start_ms + 1)))
        if parts and parts[-1].speaker == who:
            parts[-1] = parts[-1]._replace(text=parts[-1].text + piece.text)
        else:
            parts.append(Part(piece.text, piece.start_ms, who))
    whole = Part(segment.text, segment.start_ms, whose(cut, Span(segment.start_ms, segment.end_ms)))
    return part(segment, parts or [whole])


def _changes(span: Span, windows: int) -> list[int]:
    """Where one window is as near as the next, in ms; the last window ends with the span."""
    last = max(span.end_ms - WINDOW_MS // 2, span.start_ms)
    middles = [span.start_ms + WINDOW_MS // 2 + SHIFT_MS * number for number in range(windows)]
    return [(min(one, last) + min(other, last)) // 2 for one, other in pairwise(middles)]


def _joined(cut: Sequence[Turn]) -> list[Turn]:
    joined: list[Turn] = []
    for turn in cut:
        if joined and joined[-1].speaker == turn.speaker:
            whole = Span(joined.pop().span.start_ms, turn.span.end_ms)
            joined.append(Turn(whole, turn.speaker))
        else:
            joined.append(turn)
    return joined


def _shortest(cut: Sequence[Turn], shortest_ms: int) -> int | None:
    at = min(range(len(cut)), key=lambda number: cut[number].span.length_ms)
    return at if cut[at].span.length_ms < shortest_ms else None


def _longer_neighbour(cut: Sequence[Turn], at: int) -> Turn:
    beside = [cut[number] for number in (at - 1, at + 1) if 0 <= number < len(cut)]
    return max(beside, key=lambda turn: turn.span.length_ms)


def _overlap_ms(one: Span, other: Span) -> int:
    return min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms)
