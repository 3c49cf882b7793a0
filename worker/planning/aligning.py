"""The text of a segment laid over its words: which piece of the text was said when.

A punctuation model and number writing change the text and leave the words as they were heard, so
the two are compared by their letters and digits alone, and what differs shares the time that is
left between its neighbours.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from contract.transcript import Word
from worker.planning.words import split_words

LEAST_SHARE = 0.5
"""Of the letters that must be found again; below, text and words are not of the same speech."""
_STOPS = re.compile("[\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\u17d4\u17d5\u104a\u104b\u1362]")
"""Stops of scripts without spaces end a piece even where none follows."""
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
    written = [_spelled(piece) for piece in pieces]
    heard = [_spelled(word.text) for word in words]
    times = _times_of(
        list(chain.from_iterable(written)),
        list(chain.from_iterable(heard)),
        _times_of_heard(words, heard),
    )
    return _placed(pieces, [sum(map(len, piece)) for piece in written], times) if times else None


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
    """Whether a line may begin here. Stops alone between spaces belong to the word before."""
    before, after = text[at - 1], text[at]
    if before.isspace():
        return not (text[at - 2 : at - 1].isalnum() and _stand_alone(text, at))
    return (
        not after.isspace() and not _closes(after) and unicodedata.category(before) not in _OPENING
    )


def _closes(mark: str) -> bool:
    return unicodedata.category(mark) in _CLOSING or mark in _SMALL_KANA


def _stand_alone(text: str, at: int) -> bool:
    """Whether only closing marks stand here up to the next space: not so those of "go" or #tag."""
    while at < len(text) and _closes(text[at]):
        at += 1
    return at == len(text) or text[at].isspace()


def _letters(text: str) -> str:
    """Letters and digits without case, width and accents, so that two spellings compare equal."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(filter(str.isalnum, plain))


def _spelled(text: str) -> list[str]:
    """The letters of each word of a text; none of what has no letters."""
    return [letters for word in split_words(text) if (letters := _letters(word))]


def _times_of_heard(words: Sequence[Word], spelled: Sequence[list[str]]) -> list[tuple[int, int]]:
    """(start, end) of each letter that was heard; those of a word share its time."""
    return [
        time
        for word, own in zip(words, spelled, strict=True)
        for time in spread(sum(map(len, own)), word.start_ms, word.end_ms)
    ]


def _times_of(
    written: list[str], heard: list[str], times: list[tuple[int, int]]
) -> list[tuple[int, int]] | None:
    """(start, end) of each written letter: as heard where alike, evenly shared in between.

    Args:
        written: the letters of each word of the text.
        heard: the same of what was heard.
        times: of each letter that was heard.
    """
    letters, said = "".join(written), "".join(heard)
    alike = _alike(written, heard)
    least = max(1, LEAST_SHARE * max(len(letters), len(said)))
    if sum(same.size for same in alike) < least:
        return None
    placed: list[tuple[int, int]] = []
    reached, at = times[0][0], 0
    for same in [*alike, Match(len(letters), len(said), 0)]:
        between = times[at : same.b] or [(reached, times[same.b][0] if same.size else times[-1][1])]
        placed += spread(same.a - len(placed), between[0][0], between[-1][1])
        at = same.b + same.size
        placed += times[same.b : at]
        reached = times[at - 1][1] if at else reached
    return placed


def _alike(written: list[str], heard: list[str]) -> list[Match]:
    """Letters that two texts have in common, in order: words, and parts of unlike ones.

    In letters; comparing words finds what is common, and fast. Between them, such as where one
    writes a word as two, letters are compared from both ends.
    """
    letters, said = "".join(written), "".join(heard)
    starts = [0, *accumulate(map(len, written))]
    begins = [0, *accumulate(map(len, heard))]
    found, a, b = [], 0, 0
    for same in _common_words(written, heard):
        to_a, to_b = starts[same.a], begins[same.b]
        ends = _common_ends(letters[a:to_a], said[b:to_b])
        found += [Match(a + one.a, b + one.b, one.size) for one in ends]
        a, b = starts[same.a + same.size], begins[same.b + same.size]
        found.append(Match(to_a, to_b, a - to_a))
    return [same for same in found if same.size]


def _common_words(written: list[str], heard: list[str]) -> list[Match]:
    """In words, the last one empty and at the end of both."""
    head, tail = _common_ends(written, heard)
    middle, between = written[head.size : tail.a], heard[head.size : tail.b]
    blocks = SequenceMatcher(None, middle, between, autojunk=False).get_matching_blocks()
    inner = [Match(one.a + head.size, one.b + head.size, one.size) for one in blocks]
    return [head, *inner, tail, Match(len(written), len(heard), 0)]


def _common_ends(written: Sequence[str], heard: Sequence[str]) -> tuple[Match, Match]:
    """What two texts, as letters or as words, have in common at either end."""
    shorter = min(len(written), len(heard))
    head = _shared(written, heard, shorter)
    tail = _shared(written[::-1], heard[::-1], shorter - head)
    return Match(0, 0, head), Match(len(written) - tail, len(heard) - tail, tail)


def _shared(one: Sequence[str], other: Sequence[str], most: int) -> int:
    """How many letters or words two texts have in common at their beginning."""
    return next((i for i in range(most) if one[i] != other[i]), most)


def _placed(pieces: list[str], counts: list[int], times: list[tuple[int, int]]) -> list[Piece]:
    """Each piece from its first letter to its last; one without letters takes no time."""
    placed: list[Piece] = []
    at, now_ms = 0, times[0][0]
    for piece, count in zip(pieces, counts, strict=True):
        own = times[at : at + count] or [(now_ms, now_ms)]
        placed.append(Piece(piece, own[0][0], own[-1][1]))
        at, now_ms = at + count, own[-1][1]
    return placed
