"""The text of a segment laid over its words: which piece of the text was said when.

A punctuation model and number writing change the text and leave the words as they were heard, so
the two are compared by their letters and digits alone, and what differs shares the time that is
left between its neighbours.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from contract.transcript import Word
from worker.planning.words import split_words

LEAST_SHARE = 0.5
"""Of the letters that must be found again; below, text and words are not of the same speech."""
_STOPS = re.compile("[\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]")
"""Full-width stops end a piece even where no space follows."""
_OPENING = {"Ps", "Pi", "Sc"}
"""Unicode categories: brackets, quotation marks, currency signs."""
_CLOSING = {"Pe", "Pf", "Po", "Pd", "Mn", "Mc", "Lm"}
"""Unicode categories: brackets, stops, dashes, and signs that belong to the letter before."""
_SMALL_KANA = "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"


class Piece(NamedTuple):
    """A word of the text with its punctuation and the space after it, and when it was said."""

    text: str
    start_ms: int
    end_ms: int


def align(text: str, words: Sequence[Word]) -> list[Piece] | None:
    """Give each piece of a text its place in the audio.

    Args:
        text: what was said, with punctuation.
        words: the same as it was heard, in order of time.

    Returns:
        Pieces whose texts joined are the text itself, in order of time; None when text and words
        have too little in common.
    """
    pieces = split_pieces(text)
    letters = [_letters(piece) for piece in pieces]
    heard = "".join(_letters(word.text) for word in words)
    times = _times_of("".join(letters), heard, _times_of_heard(words))
    return _placed(pieces, letters, times) if times else None


def in_proportion(text: str, start_ms: int, end_ms: int) -> list[Piece]:
    """The pieces of a text without usable words: each takes as long as it has characters."""
    pieces = split_pieces(text)
    edges = [0, *accumulate(len(piece.strip()) for piece in pieces)]
    shared = max(1, edges[-1])
    times = [start_ms + (end_ms - start_ms) * edge // shared for edge in edges]
    return [Piece(piece, *span) for piece, span in zip(pieces, pairwise(times), strict=True)]


def split_pieces(text: str) -> list[str]:
    """The places where a line may be broken: around each Han or kana character and at spaces.

    Never before closing punctuation and never after opening punctuation. Joined, the pieces are
    the text itself.
    """
    starts, at = {match.end() for match in _STOPS.finditer(text)}, 0
    for word in split_words(text):
        at = text.index(word, at)
        starts.add(at)
        at += len(word)
    cuts = [0, *sorted(at for at in starts if 0 < at < len(text) and _may_begin(text, at))]
    return [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True) if b > a]


def spread(count: int, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Share a stretch of time evenly: count neighbouring (start, end) in ms, to the ms."""
    length_ms = end_ms - start_ms
    edges = [start_ms + length_ms * k // count for k in range(count + 1)] if count else []
    return list(pairwise(edges))


def _may_begin(text: str, at: int) -> bool:
    """Whether a line may begin here. A stop after a space still belongs to the word before."""
    before, after = text[at - 1], text[at]
    closing = unicodedata.category(after) in _CLOSING or after in _SMALL_KANA
    if before.isspace():
        return not (closing and text[at - 2 : at - 1].isalnum())
    return not after.isspace() and not closing and unicodedata.category(before) not in _OPENING


def _letters(text: str) -> str:
    """Letters and digits without case, width and accents, so that two spellings compare equal."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(filter(str.isalnum, plain))


def _times_of_heard(words: Sequence[Word]) -> list[tuple[int, int]]:
    """(start, end) of each letter that was heard; those of a word share its time."""
    return [
        time
        for word in words
        for time in spread(len(_letters(word.text)), word.start_ms, word.end_ms)
    ]


def _times_of(
    written: str, heard: str, times: list[tuple[int, int]]
) -> list[tuple[int, int]] | None:
    """(start, end) of each written letter: as heard at both ends, evenly shared between them."""
    shorter = min(len(written), len(heard))
    head = _shared(written, heard, shorter)
    tail = _shared(written[::-1], heard[::-1], shorter - head)
    if not shorter or head + tail < LEAST_SHARE * max(len(written), len(heard)):
        return None
    resumed = len(heard) - tail
    between = times[head:resumed] or [
        (times[head - 1][1] if head else times[0][0], times[resumed][0] if tail else times[-1][1])
    ]
    unlike = spread(len(written) - head - tail, between[0][0], between[-1][1])
    return [*times[:head], *unlike, *times[resumed:]]


def _shared(one: str, other: str, most: int) -> int:
    """How many letters two texts have in common at their beginning."""
    return next((i for i in range(most) if one[i] != other[i]), most)


def _placed(pieces: list[str], letters: list[str], times: list[tuple[int, int]]) -> list[Piece]:
    """Each piece from its first letter to its last; one without letters takes no time."""
    placed: list[Piece] = []
    at, now_ms = 0, times[0][0]
    for piece, spelled in zip(pieces, letters, strict=True):
        own = times[at : at + len(spelled)] or [(now_ms, now_ms)]
        placed.append(Piece(piece, own[0][0], own[-1][1]))
        at, now_ms = at + len(spelled), own[-1][1]
    return placed
