"""Pieces too wide for a line, such as a Thai phrase or an address, cut where it hurts least."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from worker.planning.aligning import Piece
from worker.rendering.lines import columns

_AFTER_DASH = re.compile(r"(?<=\u2014)(?![\u2014\s])")
_BEFORE_ITS_CONSONANT = "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
_AFTER_ITS_CONSONANT = "\u0e30\u0e32\u0e33\u0e45\u0e46\u0e2f\u0eb0\u0eb2\u0eb3\u0ec6\u0eaf"
"""Vowels and marks of Thai and Lao that are letters to Unicode, yet part of a syllable."""
_WITH_THE_ONE_BEFORE = {"Mn", "Mc", "Me", "Cf"}
"""Unicode categories: signs on a character, and joiners."""
_JOINER = "\u200d"
_VIRAMA = 9
"""Combining class of what joins two consonants."""
_MOST_COLUMNS = 10
"""Of what is not cut: an emoji of five. Only what is no writing is longer, such as a row of one
vowel."""


def narrow(pieces: Sequence[Piece], room: int) -> list[Piece]:
    """The same text and times with no piece wider than a line.

    Too wide ones are cut after em dashes, and what is still too wide between the characters that
    readers see, into parts alike in width; parts share the time by their width.

    Args:
        pieces: text with times.
        room: columns of a line, at least 10.
    """
    return [part for piece in pieces for part in _parts(piece, room)]


def _parts(piece: Piece, room: int) -> list[Piece]:
    said = piece.text.rstrip()
    if columns(said) <= room:
        return [piece]
    texts = [text for phrase in _AFTER_DASH.split(said) if phrase for text in _texts(phrase, room)]
    edges = [0, *accumulate(map(columns, texts))]
    texts[-1] += piece.text[len(said) :]
    length_ms = piece.end_ms - piece.start_ms
    times = [piece.start_ms + length_ms * edge // edges[-1] for edge in edges]
    return [Piece(text, *span) for text, span in zip(texts, pairwise(times), strict=True)]


def _texts(text: str, room: int) -> Iterator[str]:
    """A text in as few parts as fit, alike in width."""
    width = columns(text)
    aim = -(-width // max(1, -(-width // room)))
    part, used = "", 0
    for cluster in clusters(text):
        own = columns(cluster)
        if part and own and (used >= aim or used + own > room):
            yield part
            part, used = "", 0
        part, used = part + cluster, used + own
    yield part


def clusters(text: str) -> list[str]:
    """The characters as readers see them, each with its signs: there a text may be cut."""
    found: list[str] = []
    for character in text:
        if found and _belongs(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _belongs(cluster: str, character: str) -> bool:
    """Whether a character goes on with what stands before it."""
    if columns(character) == 0:
        return True
    joined = (
        unicodedata.category(character) in _WITH_THE_ONE_BEFORE
        or character in _AFTER_ITS_CONSONANT
        or cluster[-1] in f"{_BEFORE_ITS_CONSONANT}{_JOINER}"
        or unicodedata.combining(cluster[-1]) == _VIRAMA
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # the colour of a skin
        or (_is_half_a_flag(character) and _is_half_a_flag(cluster))
    )
    return joined and columns(cluster) + columns(character) <= _MOST_COLUMNS


def _is_half_a_flag(text: str) -> bool:
    return len(text) == 1 and "\U0001f1e6" <= text <= "\U0001f1ff"
