"""One segment's pieces -> those of its cues: few of them, alike in size, cut where one may pause.

Of all ways to cut, the one is taken whose costs together are least; it is found from the end
backwards, since what follows a cut does not depend on what stands before it.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from worker.planning.aligning import Piece
from worker.rendering.cue_timing import LEAST_MS, MOST_MS
from worker.rendering.lines import CLAUSE_END, MOST_COLUMNS, SENTENCE_END, columns, ends_with

_PAUSE_MS = 300
"""A silence that is heard as one."""
_A_CUE = 1.0
"""Cost of a cue; this and the others are weighed against it, by eye."""
_AFTER_CLAUSE = 0.3
"""Of ending a cue after a comma."""
_AFTER_PAUSE = 0.2
"""Of ending it where the speaker pauses."""
_IN_SPEECH = 2.0
"""Of ending it anywhere else within a sentence."""
_FLASH = 1.0
"""Of a cue shorter than LEAST_MS."""
_SLACK = 0.5
"""Of a cue without text; it grows with the square, which makes cues alike in size."""


def cut(pieces: Sequence[Piece], lead: int = 0) -> list[Sequence[Piece]]:
    """Cut pieces into cues of at most two lines and seven seconds.

    Args:
        pieces: a segment's text, spaces as they shall be; none is wider than its line, and what
            takes longer than seven seconds is a cue of its own.
        lead: columns that something else takes before the first line of each cue.
    """
    widths = [columns(piece.text) for piece in pieces]
    edges = [0, *accumulate(widths)]
    count = len(pieces)
    costs, nexts = [0.0] * (count + 1), [count] * (count + 1)
    for start in reversed(range(count)):
        ends = range(start + 1, _furthest(pieces, widths, start, lead) + 1)
        costs[start], nexts[start] = _best_end(pieces, edges, costs, start, ends)
    cues, start = [], 0
    while start < count:
        cues.append(pieces[start : nexts[start]])
        start = nexts[start]
    return cues


def _best_end(
    pieces: Sequence[Piece],
    edges: Sequence[int],
    costs: Sequence[float],
    start: int,
    ends: Iterable[int],
) -> tuple[float, int]:
    """The least cost of all from a start on, and where its first cue ends."""
    return min(
        (
            _size_cost(edges[end] - edges[start], pieces[end - 1].end_ms - pieces[start].start_ms)
            + _break_cost(pieces, end)
            + costs[end],
            end,
        )
        for end in ends
    )


def _furthest(pieces: Sequence[Piece], widths: Sequence[int], start: int, lead: int) -> int:
    """Where the longest cue from here ends."""
    end = _line_end(pieces, widths, start, MOST_COLUMNS - lead)
    if end < len(pieces):
        end = _line_end(pieces, widths, end, MOST_COLUMNS)
    while end > start + 1 and pieces[end - 1].end_ms - pieces[start].start_ms > MOST_MS:
        end -= 1
    return end


def _line_end(pieces: Sequence[Piece], widths: Sequence[int], start: int, room: int) -> int:
    """Where the longest line from here ends; it has one piece at least."""
    used, end = widths[start], start + 1
    while end < len(pieces):
        used += widths[end]
        if used - pieces[end].text.endswith(" ") > room:
            break
        end += 1
    return end


def _size_cost(width: int, length_ms: int) -> float:
    """How bad a cue of so many columns and ms is, wherever it ends."""
    empty = max(0.0, 1 - width / (2 * MOST_COLUMNS))
    return _A_CUE + _FLASH * (length_ms < LEAST_MS) + _SLACK * empty * empty


def _break_cost(pieces: Sequence[Piece], end: int) -> float:
    """How bad it is to end a cue here."""
    last = pieces[end - 1]
    if end == len(pieces) or ends_with(last.text, SENTENCE_END):
        return 0.0
    if pieces[end].start_ms - last.end_ms >= _PAUSE_MS:
        return _AFTER_PAUSE
    return _AFTER_CLAUSE if ends_with(last.text, CLAUSE_END) else _IN_SPEECH
