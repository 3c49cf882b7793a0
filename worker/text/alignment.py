"""Align the text of a segment with its words: find the times of each piece of text.

Punctuation and inverse text normalisation change the text but not the recognised words. Text and
words are therefore compared by their letters and digits only. Text that differs from the words
shares the time between its matching neighbours.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.text.tokens import split_words

MIN_SHARE = 0.5
"""Minimum share of letters that must match; below it, text and words belong to different speech."""
_STOPS = re.compile("[\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\u17d4\u17d5\u104a\u104b\u1362]")
"""Stops of scripts without spaces; they end a piece even if no space follows."""
_OPENING = {"Ps", "Pi", "Sc"}
"""Unicode categories: brackets, quotation marks, currency signs."""
_CLOSING = {"Pe", "Pf", "Po", "Pd", "Mn", "Mc", "Lm"}
"""Unicode categories: brackets, stops, dashes, and signs that belong to the previous letter."""
_SMALL_KANA = "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"


class Piece(NamedTuple):
    """A word of the text with its punctuation and the space after it, and its times."""

    text: str
    start_ms: int
    end_ms: int


def align(text: str, words: Sequence[Word]) -> list[Piece] | None:
    """Assign times to each piece of a text.

    Args:
        text: the final text, with punctuation.
        words: the recognised words, in order of time.

    Returns:
        Pieces in order of time, whose texts joined equal the text; None when text and words have
        too little in common.
    """
    pieces = split_pieces(text)
    letters_of_pieces = [_letters_of_words(piece) for piece in pieces]
    letters_of_words = [_letters_of_words(word.text) for word in words]
    times = _align_letters(
        list(chain.from_iterable(letters_of_pieces)),
        list(chain.from_iterable(letters_of_words)),
        _times_of_letters(words, letters_of_words),
    )
    if not times:
        return None
    return _with_times(pieces, [sum(map(len, letters)) for letters in letters_of_pieces], times)


def in_proportion(text: str, start_ms: int, end_ms: int) -> list[Piece]:
    """Pieces of a text without usable words: time is shared in proportion to their characters."""
    pieces = split_pieces(text)
    edges = [0, *accumulate(len(piece.strip()) for piece in pieces)]
    shared = max(1, edges[-1])
    times = [start_ms + (end_ms - start_ms) * edge // shared for edge in edges]
    return [Piece(piece, *span) for piece, span in zip(pieces, pairwise(times), strict=True)]


def split_pieces(text: str) -> list[str]:
    """Split a text where a line may be broken: around each Han or kana character and at spaces.

    A text is never split before closing punctuation or after opening punctuation. The joined pieces
    equal the text.
    """
    starts, at = {match.end() for match in _STOPS.finditer(text)}, 0
    for word in split_words(text):
        at = text.index(word, at)
        starts.add(at)
        at += len(word)
    cuts = [0, *sorted(at for at in starts if 0 < at < len(text) and _may_begin(text, at))]
    ends = [*cuts[1:], len(text)]
    return [text[start:end] for start, end in zip(cuts, ends, strict=True) if end > start]


def spread(count: int, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Divide a range of time evenly into `count` adjacent (start, end), in whole ms."""
    length_ms = end_ms - start_ms
    edges = [start_ms + length_ms * k // count for k in range(count + 1)] if count else []
    return list(pairwise(edges))


def _may_begin(text: str, at: int) -> bool:
    """Whether a line may begin here; punctuation between spaces belongs to the previous word."""
    before, after = text[at - 1], text[at]
    if before.isspace():
        return not (text[at - 2 : at - 1].isalnum() and _only_closing_marks(text, at))
    return (
        not after.isspace() and not _closes(after) and unicodedata.category(before) not in _OPENING
    )


def _closes(mark: str) -> bool:
    return unicodedata.category(mark) in _CLOSING or mark in _SMALL_KANA


def _only_closing_marks(text: str, at: int) -> bool:
    """Whether only closing marks precede the next space; False at the start of "go" or #tag."""
    while at < len(text) and _closes(text[at]):
        at += 1
    return at == len(text) or text[at].isspace()


def _letters(text: str) -> str:
    """Letters and digits without case, width and accents, so that two spellings compare equal."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(filter(str.isalnum, plain))


def _letters_of_words(text: str) -> list[str]:
    """The letters of each word of a text; words without letters are left out."""
    return [letters for word in split_words(text) if (letters := _letters(word))]


def _times_of_letters(words: Sequence[Word], letters: Sequence[list[str]]) -> list[tuple[int, int]]:
    """(start, end) of each letter of the recognised words; letters share the time of their word."""
    return [
        time
        for word, own in zip(words, letters, strict=True)
        for time in spread(sum(map(len, own)), word.start_ms, word.end_ms)
    ]


def _align_letters(
    text_words: list[str], spoken_words: list[str], times: list[tuple[int, int]]
) -> list[tuple[int, int]] | None:
    """(start, end) of each letter of the text; None when too few letters match.

    A matching letter takes the time of its recognised letter. Letters in between share the time
    between their neighbours evenly.

    Args:
        text_words: the letters of each word of the text.
        spoken_words: the letters of each recognised word.
        times: (start, end) in ms of each recognised letter.
    """
    text_letters, spoken_letters = "".join(text_words), "".join(spoken_words)
    matches = _matching_letters(text_words, spoken_words)
    least = max(1, MIN_SHARE * max(len(text_letters), len(spoken_letters)))
    if sum(match.size for match in matches) < least:
        return None
    result: list[tuple[int, int]] = []
    reached_ms, at = times[0][0], 0
    for match in [*matches, Match(len(text_letters), len(spoken_letters), 0)]:
        next_ms = times[match.b][0] if match.size else times[-1][1]
        gap = times[at : match.b] or [(reached_ms, next_ms)]
        result += spread(match.a - len(result), gap[0][0], gap[-1][1])
        at = match.b + match.size
        result += times[match.b : at]
        reached_ms = times[at - 1][1] if at else reached_ms
    return result


def _matching_letters(text_words: list[str], spoken_words: list[str]) -> list[Match]:
    """Matching runs of letters in two texts, in order; positions count letters.

    Words are compared first, which is fast. Between matching words, for example where one text
    splits a word in two, letters are compared from both ends.
    """
    text_letters, spoken_letters = "".join(text_words), "".join(spoken_words)
    text_starts = [0, *accumulate(map(len, text_words))]
    spoken_starts = [0, *accumulate(map(len, spoken_words))]
    matches, text_at, spoken_at = [], 0, 0
    for match in _matching_words(text_words, spoken_words):
        text_end, spoken_end = text_starts[match.a], spoken_starts[match.b]
        ends = _matching_ends(text_letters[text_at:text_end], spoken_letters[spoken_at:spoken_end])
        matches += [Match(text_at + one.a, spoken_at + one.b, one.size) for one in ends]
        text_at = text_starts[match.a + match.size]
        spoken_at = spoken_starts[match.b + match.size]
        matches.append(Match(text_end, spoken_end, text_at - text_end))
    return [match for match in matches if match.size]


def _matching_words(text_words: list[str], spoken_words: list[str]) -> list[Match]:
    """Matching runs of words; positions count words. The last run is empty, at the end of both."""
    head, tail = _matching_ends(text_words, spoken_words)
    text_middle = text_words[head.size : tail.a]
    spoken_middle = spoken_words[head.size : tail.b]
    blocks = SequenceMatcher(None, text_middle, spoken_middle, autojunk=False).get_matching_blocks()
    inner = [Match(one.a + head.size, one.b + head.size, one.size) for one in blocks]
    return [head, *inner, tail, Match(len(text_words), len(spoken_words), 0)]


def _matching_ends(text_words: Sequence[str], spoken_words: Sequence[str]) -> tuple[Match, Match]:
    """The common prefix and suffix of two texts, given as letters or as words."""
    shorter = min(len(text_words), len(spoken_words))
    head = _common_prefix(text_words, spoken_words, shorter)
    tail = _common_prefix(text_words[::-1], spoken_words[::-1], shorter - head)
    return Match(0, 0, head), Match(len(text_words) - tail, len(spoken_words) - tail, tail)


def _common_prefix(one: Sequence[str], other: Sequence[str], limit: int) -> int:
    """Length of the common prefix of two texts, in letters or words, up to a limit."""
    return next((i for i in range(limit) if one[i] != other[i]), limit)


def _with_times(pieces: list[str], counts: list[int], times: list[tuple[int, int]]) -> list[Piece]:
    """Each piece with the times of its letters; a piece without letters has zero length."""
    result: list[Piece] = []
    at, now_ms = 0, times[0][0]
    for piece, count in zip(pieces, counts, strict=True):
        own = times[at : at + count] or [(now_ms, now_ms)]
        result.append(Piece(piece, own[0][0], own[-1][1]))
        at, now_ms = at + count, own[-1][1]
    return result
