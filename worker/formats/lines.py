"""The lines of a cue: their width, and where to break a line in two."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

from funasr_fleet.worker.text.sentences import STOPS as SENTENCE_STOPS

MOST_COLUMNS = 42
"""Maximum width of a line: Netflix's Timed Text Style Guide for English, and the limit of most
broadcasters. It allows 21 Han characters, more than that guide's 16; players display them in one
line."""
CLAUSE_STOPS = ",;:\u3001\uff0c\uff1a\uff1b\u060c\u061b\u17d6\u104a\u055d\u1363\u1364\u1365"
"""Marks that end a clause, including those of Arabic, Khmer, Burmese, Armenian and Ethiopic."""
SENTENCE_END = (*SENTENCE_STOPS, "\u2026")
CLAUSE_END = (*CLAUSE_STOPS, "\u2014")
_WORTH_COLUMNS = 8
"""A break after a stop may be this much further from the middle; chosen by eye."""


def columns(text: str) -> int:
    """Width of a text: East Asian wide characters count two, combining signs zero (UAX 11)."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


@cache
def _columns_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def ends_with(text: str, stops: tuple[str, ...]) -> bool:
    """Whether a text ends with one of these, ignoring quotation marks and brackets after it."""
    return text.rstrip(" \"'\u201d\u2019)\uff09\u300d").endswith(stops)


def lay_out(pieces: Sequence[str], lead: int = 0) -> tuple[str, ...]:
    """Lay out pieces as one line, or as two lines of similar width.

    Args:
        pieces: text that fits in two lines; at most one space after each, none wider than a line.
        lead: columns reserved at the beginning of the first line.
    """
    edges = [0, *accumulate(map(columns, pieces))]
    whole = "".join(pieces).strip()
    if len(pieces) == 1 or lead + columns(whole) <= MOST_COLUMNS:
        return (whole,)
    end = edges[-1] - pieces[-1].endswith(" ")
    candidates = []
    for break_at in range(1, len(pieces)):
        upper = lead + edges[break_at] - pieces[break_at - 1].endswith(" ")
        lower = end - edges[break_at]
        if upper <= MOST_COLUMNS and lower <= MOST_COLUMNS:
            candidates.append((_unevenness(upper, lower, pieces[break_at - 1]), break_at))
    _, break_at = min(candidates)
    return "".join(pieces[:break_at]).strip(), "".join(pieces[break_at:]).strip()


def _unevenness(upper: int, lower: int, before: str) -> float:
    """Difference in width of two lines; smaller after a stop and if the lower line is longer."""
    stopped = ends_with(before, SENTENCE_END + CLAUSE_END)
    return abs(upper - lower) + 0.5 * (upper > lower) - _WORTH_COLUMNS * stopped
