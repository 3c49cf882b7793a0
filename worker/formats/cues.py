"""A transcript -> subtitle cues: readable, one at a time, with the complete text.

A segment becomes few cues of similar size, cut at pauses. The total cost is minimised by dynamic
programming from the end backwards: the best way to cut the rest does not depend on the cues before
it.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.cue_timing import LEAST_MS, MOST_MS, Cue, one_at_a_time
from funasr_fleet.worker.formats.fields import audio_ms
from funasr_fleet.worker.formats.lines import (
    CLAUSE_END,
    MOST_COLUMNS,
    SENTENCE_END,
    columns,
    ends_with,
    lay_out,
    narrow,
)
from funasr_fleet.worker.text.alignment import Piece, align, in_proportion

_MAX_LEAD = MOST_COLUMNS // 2
"""Columns reserved for a prefix, at most; a longer prefix makes its line too wide."""


def _no_prefix(segment: Segment) -> str:
    return ""


def make_cues(transcript: Transcript, prefix: Callable[[Segment], str] = _no_prefix) -> list[Cue]:
    """Cut all segments into cues, in order of time and without overlap.

    Args:
        transcript: times come from its words; without words, from the length of the text.
        prefix: returns the text with which each cue of a segment begins.
    """
    cues = [cue for segment in transcript.segments for cue in _cues_of(segment, prefix(segment))]
    return one_at_a_time(cues, audio_ms(transcript))


def _cues_of(segment: Segment, prefix: str) -> list[Cue]:
    text = " ".join(segment.text.split())
    pieces = align(text, segment.words or ())
    pieces = pieces or in_proportion(text, segment.start_ms, segment.end_ms)
    lead = min(columns(prefix), _MAX_LEAD)
    cues = []
    for part in cut(narrow(pieces, MOST_COLUMNS - lead), lead):
        first, *second = lay_out([piece.text for piece in part], lead)
        cues.append(
            Cue(
                start_ms=max(part[0].start_ms, segment.start_ms),
                end_ms=min(part[-1].end_ms, segment.end_ms),
                lines=(prefix + first, *second),
                speaker=segment.speaker,
            )
        )
    return cues


_PAUSE_MS = 300
"""Minimum length of a perceptible pause."""
_COST_CUE = 1.0
"""Cost of a cue. The other costs are relative to it and were chosen by eye."""
_COST_AFTER_CLAUSE = 0.3
"""Cost of ending a cue after a comma."""
_COST_AFTER_PAUSE = 0.2
"""Cost of ending a cue at a pause."""
_COST_IN_SPEECH = 2.0
"""Cost of ending a cue anywhere else within a sentence."""
_COST_SHORT = 1.0
"""Cost of a cue shorter than LEAST_MS."""
_COST_EMPTY = 0.5
"""Cost of an empty cue; scaled by the square of the unused share, which evens out sizes."""


def cut(pieces: Sequence[Piece], lead: int = 0) -> list[Sequence[Piece]]:
    """Cut pieces into cues of at most two lines and seven seconds.

    Args:
        pieces: a segment's text; each piece includes the space after it. No piece is wider than a
            line. A piece longer than seven seconds becomes its own cue.
        lead: columns reserved at the beginning of each cue's first line.
    """
    widths = [columns(piece.text) for piece in pieces]
    edges = [0, *accumulate(widths)]
    count = len(pieces)
    costs, nexts = [0.0] * (count + 1), [count] * (count + 1)
    for start in reversed(range(count)):
        ends = range(start + 1, _longest_cue_end(pieces, widths, start, lead) + 1)
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
    """The minimum cost of cutting the pieces from `start` on, and the end of the first cue."""
    return min(
        (
            _size_cost(edges[end] - edges[start], pieces[end - 1].end_ms - pieces[start].start_ms)
            + _break_cost(pieces, end)
            + costs[end],
            end,
        )
        for end in ends
    )


def _longest_cue_end(pieces: Sequence[Piece], widths: Sequence[int], start: int, lead: int) -> int:
    """End of the longest cue that begins at `start`."""
    end = _line_end(pieces, widths, start, MOST_COLUMNS - lead)
    if end < len(pieces):
        end = _line_end(pieces, widths, end, MOST_COLUMNS)
    while end > start + 1 and pieces[end - 1].end_ms - pieces[start].start_ms > MOST_MS:
        end -= 1
    return end


def _line_end(pieces: Sequence[Piece], widths: Sequence[int], start: int, width: int) -> int:
    """End of the longest line that begins at `start`; it has at least one piece."""
    used, end = widths[start], start + 1
    while end < len(pieces):
        used += widths[end]
        if used - pieces[end].text.endswith(" ") > width:
            break
        end += 1
    return end


def _size_cost(width: int, length_ms: int) -> float:
    """Cost of a cue of this width (columns) and length, without the cost of its end."""
    empty = max(0.0, 1 - width / (2 * MOST_COLUMNS))
    return _COST_CUE + _COST_SHORT * (length_ms < LEAST_MS) + _COST_EMPTY * empty * empty


def _break_cost(pieces: Sequence[Piece], end: int) -> float:
    """Cost of ending a cue before piece number `end`."""
    last = pieces[end - 1]
    if end == len(pieces) or ends_with(last.text, SENTENCE_END):
        return 0.0
    if pieces[end].start_ms - last.end_ms >= _PAUSE_MS:
        return _COST_AFTER_PAUSE
    return _COST_AFTER_CLAUSE if ends_with(last.text, CLAUSE_END) else _COST_IN_SPEECH
