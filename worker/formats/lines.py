"""The lines of a cue: their width, pieces too wide for a line, and where to break a line in two."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise

from funasr_fleet.worker.text.alignment import Piece
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
"""A break after punctuation may make the widths differ by this many more columns; chosen by eye."""


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
    """Cost of a line break: difference in width; less after punctuation, more if upper is wider."""
    stopped = ends_with(before, SENTENCE_END + CLAUSE_END)
    return abs(upper - lower) + 0.5 * (upper > lower) - _WORTH_COLUMNS * stopped


_AFTER_DASH = re.compile(r"(?<=\u2014)(?![\u2014\s])")
_LEADING_VOWELS = "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
_TRAILING_VOWELS = "\u0e30\u0e32\u0e33\u0e45\u0e46\u0e2f\u0eb0\u0eb2\u0eb3\u0ec6\u0eaf"
"""Thai and Lao vowels and marks that Unicode classifies as letters, but which belong to the next or
previous consonant."""
_COMBINING = {"Mn", "Mc", "Me", "Cf"}
"""Unicode categories: combining signs and joiners."""
_JOINER = "\u200d"
_VIRAMA = 9
"""Combining class of signs that join two consonants."""
_MAX_CLUSTER_COLUMNS = 10
"""Maximum width of a cluster, enough for five joined emoji. Only invalid text has wider clusters,
such as one vowel repeated many times."""


def narrow(pieces: Sequence[Piece], width: int) -> list[Piece]:
    """The same text and times, with no piece wider than a line.

    Wide pieces are cut after em dashes. Parts that are still too wide are cut into parts of similar
    width, between user-perceived characters. Parts share the time in proportion to their width.

    Args:
        pieces: text with times.
        width: columns of a line, at least 10.
    """
    return [part for piece in pieces for part in _parts(piece, width)]


def _parts(piece: Piece, width: int) -> list[Piece]:
    stripped = piece.text.rstrip()
    if columns(stripped) <= width:
        return [piece]
    texts = [
        text for phrase in _AFTER_DASH.split(stripped) if phrase for text in _texts(phrase, width)
    ]
    edges = [0, *accumulate(map(columns, texts))]
    texts[-1] += piece.text[len(stripped) :]
    length_ms = piece.end_ms - piece.start_ms
    times = [piece.start_ms + length_ms * edge // edges[-1] for edge in edges]
    return [Piece(text, *span) for text, span in zip(texts, pairwise(times), strict=True)]


def _texts(text: str, width: int) -> Iterator[str]:
    """Cut a text into as few parts as possible, of similar width."""
    total = columns(text)
    target = -(-total // max(1, -(-total // width)))
    part, used_columns = "", 0
    for cluster in clusters(text):
        cluster_width = columns(cluster)
        is_full = used_columns >= target or used_columns + cluster_width > width
        if part and cluster_width and is_full:
            yield part
            part, used_columns = "", 0
        part, used_columns = part + cluster, used_columns + cluster_width
    yield part


def clusters(text: str) -> list[str]:
    """Split text into user-perceived characters, each with its combining signs."""
    result: list[str] = []
    for character in text:
        if result and _continues(result[-1], character):
            result[-1] += character
        else:
            result.append(character)
    return result


def _continues(cluster: str, character: str) -> bool:
    """Whether a character belongs to the cluster before it."""
    if columns(character) == 0:
        return True
    joined = (
        unicodedata.category(character) in _COMBINING
        or character in _TRAILING_VOWELS
        or cluster[-1] in f"{_LEADING_VOWELS}{_JOINER}"
        or unicodedata.combining(cluster[-1]) == _VIRAMA
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tone modifiers
        or (_is_half_a_flag(character) and _is_half_a_flag(cluster))
    )
    return joined and columns(cluster) + columns(character) <= _MAX_CLUSTER_COLUMNS


def _is_half_a_flag(text: str) -> bool:
    return len(text) == 1 and "\U0001f1e6" <= text <= "\U0001f1ff"
