"""Cut pieces that are too wide for a line, such as a Thai phrase or a URL."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from funasr_fleet.worker.formats.lines import columns
from funasr_fleet.worker.text.alignment import Piece

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
"""Maximum width of a cluster, enough for an emoji of five. Only invalid text is wider, such as one
vowel repeated many times."""


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
