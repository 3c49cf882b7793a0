"""The lines of a cue: how wide they are, and where one is broken in two."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

from worker.planning.sentences import STOPS as SENTENCE_STOPS

MOST_COLUMNS = 42
"""Of a line: Netflix's Timed Text Style Guide for English, and what most broadcasters allow. The
21 Han characters that this makes are more than that guide's 16, and what players show in a line."""
CLAUSE_STOPS = ",;:\u3001\uff0c\uff1a\uff1b\u060c\u061b\u17d6\u104a\u055d\u1363\u1364\u1365"
"""Also those of Arabic, Khmer, Burmese, Armenian and Ethiopic."""
SENTENCE_END = (*SENTENCE_STOPS, "\u2026")
CLAUSE_END = (*CLAUSE_STOPS, "\u2014")
_WORTH_COLUMNS = 8
"""How far from the middle a line may be broken for the sake of a stop: by eye."""


def columns(text: str) -> int:
    """Width of a text: East Asian wide characters count two, combining signs none (UAX 11)."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


@cache
def _columns_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def ends_with(text: str, stops: tuple[str, ...]) -> bool:
    """Whether a text ends with one of these, quotation marks and brackets apart."""
    return text.rstrip(" \"'\u201d\u2019)\uff09\u300d").endswith(stops)


def lay_out(pieces: Sequence[str], lead: int = 0) -> tuple[str, ...]:
    """Pieces as one line, or two that are about equally long.

    Args:
        pieces: what fits in two lines; at most one space after each, none wider than a line.
        lead: columns that something else takes before the first line.
    """
    edges = [0, *accumulate(map(columns, pieces))]
    whole = "".join(pieces).strip()
    if len(pieces) == 1 or lead + columns(whole) <= MOST_COLUMNS:
        return (whole,)
    end = edges[-1] - pieces[-1].endswith(" ")
    turns = []
    for turn in range(1, len(pieces)):
        upper = lead + edges[turn] - pieces[turn - 1].endswith(" ")
        lower = end - edges[turn]
        if upper <= MOST_COLUMNS and lower <= MOST_COLUMNS:
            turns.append((_unevenness(upper, lower, pieces[turn - 1]), turn))
    _, turn = min(turns)
    return "".join(pieces[:turn]).strip(), "".join(pieces[turn:]).strip()


def _unevenness(upper: int, lower: int, before: str) -> float:
    """Columns by which two lines differ; less after a stop, and where the lower is longer."""
    stopped = ends_with(before, SENTENCE_END + CLAUSE_END)
    return abs(upper - lower) + 0.5 * (upper > lower) - _WORTH_COLUMNS * stopped
