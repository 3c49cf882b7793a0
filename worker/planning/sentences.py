"""A segment with punctuation and word times -> one segment per sentence."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from contract.transcript import Segment
from worker.planning.aligning import Piece, align
from worker.planning.parting import Part, part

STOPS = (
    ".!?\u3002\uff01\uff1f\uff0e\uff61\u0964\u0965\u061f\u06d4\u17d4\u17d5\u104b\u0589\u1362\u1367"
)
"""Also those of Devanagari, Arabic, Urdu, Khmer, Burmese, Armenian and Ethiopic."""
_CLOSERS = "\"'\u201d\u2019\u00bb)]}\u300d\u300f\uff09\u3011\u300b\u3009\u3015\u2013\u2014-"
"""Quotation marks, brackets and dashes behind a sentence belong to it."""
_ABBREVIATION = re.compile(
    r"\W*(?:(?:[a-z]\.)*[a-z]|mr|mrs|ms|dr|prof|sr|jr|st|mt|vs|etc|cf|approx|dept|gen|col|capt"
    r"|lt|sgt|rev|hon|gov|sen|rep|fig)"
)
"""Also e.g., p.m., U.S. and initials: a sentence too long is better than half of one."""
_BEFORE_A_NUMBER = re.compile(r"\W*no")
"""Short for number only where one follows: "No. 5", but "I said no. She left."."""


def split_sentences(segment: Segment) -> list[Segment]:
    """Cut a segment behind each sentence.

    A sentence ends at a full stop, question mark or exclamation mark of any script, with the
    quotation marks and brackets behind it; not at an ellipsis, inside a number, or after an
    abbreviation. What no word was heard of stays with the sentence before.

    The first sentence begins with the segment and the last one ends with it, as a segment that is
    not cut does: a subtitle stays from the beginning of speech to its end. In between, sentences
    begin and end with their words, so that a pause shows none; see worker.planning.parting.

    Returns:
        In order, each with its own words. Joined by join_texts they make the segment's text; where
        its spaces between sentences are not those that join_texts puts there, all but these. The
        segment itself when it has one sentence, or when its words are missing or unlike its text.
    """
    pieces = align(segment.text, segment.words) if segment.words else None
    return part(segment, list(_sentences(pieces))) if pieces else [segment]


def _sentences(pieces: Sequence[Piece]) -> Iterator[Part]:
    """The text of each sentence and the ms at which it begins."""
    texts = [*(piece.text for piece in pieces), ""]
    ends = [place for place, both in enumerate(pairwise(texts), 1) if ends_sentence(*both)]
    for begin, end in pairwise(dict.fromkeys([0, *ends, len(pieces)])):
        text = "".join(piece.text for piece in pieces[begin:end])
        yield Part(text, pieces[begin].start_ms)


def ends_sentence(piece: str, following: str = "") -> bool:
    """Whether a sentence ends with this piece of text, a word with its punctuation.

    Args:
        piece: the text, with the space after it.
        following: the piece after it, which tells "No. 5" from a no.
    """
    said = piece.rstrip().rstrip(_CLOSERS)
    before = said.rstrip(".")
    stops = len(said) - len(before)
    if stops == 0:
        return said.endswith(tuple(STOPS))
    return stops == 1 and not _is_abbreviation(_last_word(before), following)


def _last_word(text: str) -> str:
    """What stands right before the end; nothing where that is a space."""
    return "" if text[-1:].isspace() else "".join(text.split()[-1:]).casefold()


def _is_abbreviation(word: str, following: str) -> bool:
    numbered = following[:1].isdigit() and _BEFORE_A_NUMBER.fullmatch(word)
    return bool(numbered or _ABBREVIATION.fullmatch(word))
