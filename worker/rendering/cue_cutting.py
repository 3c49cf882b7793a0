"""One segment's pieces -> those of its cues: few of them, alike in size, cut where one may pause.

Of all ways to cut, the one is taken whose costs together are least; it is found from the end
backwards, since what follows a cut does not depend on what stands before it.
"""

from collections.abc import Sequence
from itertools import accumulate

from worker.planning.aligning import Piece
from worker.rendering.lines import CLAUSE_END, MOST_COLUMNS, SENTENCE_END, columns, ends_with

MOST_MS = 7_000
"""Of a cue: Netflix's Timed Text Style Guide."""
LEAST_MS = 833
"""Of a cue: 5/6 s, Netflix's Timed Text Style Guide."""
_PAUSE_MS = 300
"""A silence that is heard as one."""
_A_CUE, _AFTER_CLAUSE, _AFTER_PAUSE, _IN_SPEECH, _FLASH, _SLACK = 1.0, 0.3, 0.2, 2.0, 1.0, 0.5
"""Costs, by eye: of a cue; of ending it after a comma, a pause, or neither; of one shorter than
LEAST_MS; of one without text, which makes cues alike in size because it grows with the square."""


def cut(pieces: Sequence[Piece], lead: int = 0) -> list[Sequence[Piece]]:
    """Cut pieces into cues of at most two lines and seven seconds; one piece is never cut.

    Args:
        pieces: a segment's text, spaces as they shall be.
        lead: columns that something else takes before the first line of each cue.
    """
    widths = [columns(piece.text) for piece in pieces]
    edges = [0, *accumulate(widths)]
    count = len(pieces)
    breaks = [_break_cost(pieces, end) for end in range(1, count + 1)]
    costs, nexts = [0.0] * (count + 1), [count] * (count + 1)
    for start in reversed(range(count)):
        ends = range(start + 1, _furthest(pieces, widths, start, lead) + 1)
        costs[start], nexts[start] = min(
            (
                _size_cost(
                    edges[end] - edges[start], pieces[end - 1].end_ms - pieces[start].start_ms
                )
                + breaks[end - 1]
                + costs[end],
                end,
            )
            for end in ends
        )
    cues, start = [], 0
    while start < count:
        cues.append(pieces[start : nexts[start]])
        start = nexts[start]
    return cues


def _furthest(pieces: Sequence[Piece], widths: Sequence[int], start: int, lead: int) -> int:
    """Where the longest cue from here ends."""
    end = _line_end(pieces, widths, start, MOST_COLUMNS - lead)
    if end < len(pieces):
        end = _line_end(pieces, widths, end, MOST_COLUMNS)
    while end > start + 1 and pieces[end - 1].end_ms - pieces[start].start_ms > MOST_MS:
        end -= 1
    return end


def _line_end(pieces: Sequence[Piece], widths: Sequence[int], start: int, room: int) -> int:
    """Where the longest line from here ends; a piece that is too wide is a line of its own."""
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
