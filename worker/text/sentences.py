"""A segment with punctuation and word times -> one segment per sentence."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from funasr_fleet.contract.transcript import Segment
from funasr_fleet.worker.text.alignment import Piece, align
from funasr_fleet.worker.text.segments import TextPart, split_segment

STOPS = (
    ".!?\u3002\uff01\uff1f\uff0e\uff61\u0964\u0965\u061f\u06d4\u17d4\u17d5\u104b\u0589\u1362\u1367"
)
"""Sentence ends, including those of Devanagari, Arabic, Urdu, Khmer, Burmese, Armenian and
Ethiopic."""
_CLOSING_MARKS = "\"'\u201d\u2019\u00bb)]}\u300d\u300f\uff09\u3011\u300b\u3009\u3015\u2013\u2014-"
"""Quotation marks, brackets and dashes after a sentence end belong to the sentence."""
_ABBREVIATION = re.compile(
    r"\W*(?:(?:[a-z]\.)*[a-z]|mr|mrs|ms|dr|prof|sr|jr|st|mt|vs|etc|cf|approx|dept|gen|col|capt"
    r"|lt|sgt|rev|hon|gov|sen|rep|fig)"
)
"""Also e.g., p.m., U.S. and initials. Missing a sentence end is better than cutting a sentence."""
_NUMBER_ABBREVIATION = re.compile(r"\W*no")
"""An abbreviation only before a number: "No. 5", but "I said no. She left."."""


def split_sentences(segment: Segment) -> list[Segment]:
    """Cut a segment after each sentence.

    A sentence ends at a full stop, question mark or exclamation mark of any script, including the
    quotation marks and brackets after it; not at an ellipsis, inside a number, or after an
    abbreviation. A sentence without words is added to the previous one.

    The first sentence begins with the segment and the last one ends with it, so that a subtitle is
    shown from the beginning of speech to its end. In between, sentences begin and end with their
    words, so that a pause belongs to none; see worker.text.segments.split_segment.

    Returns:
        Segments in order, each with its own words. Joined by join_texts they equal the segment's
        text, except for spaces between sentences where join_texts differs. The segment
        itself if it has one sentence, or if its words are missing or do not match its text.
    """
    pieces = align(segment.text, segment.words) if segment.words else None
    return split_segment(segment, list(_sentences(pieces))) if pieces else [segment]


def _sentences(pieces: Sequence[Piece]) -> Iterator[TextPart]:
    """The text and start time of each sentence."""
    texts = [*(piece.text for piece in pieces), ""]
    ends = [place for place, pair in enumerate(pairwise(texts), 1) if ends_sentence(*pair)]
    for begin, end in pairwise(dict.fromkeys([0, *ends, len(pieces)])):
        text = "".join(piece.text for piece in pieces[begin:end])
        yield TextPart(text, pieces[begin].start_ms)


def ends_sentence(piece: str, following: str = "") -> bool:
    """Whether a sentence ends with this piece of text, a word with its punctuation.

    Args:
        piece: the text, with the space after it.
        following: the next piece; distinguishes "No. 5" from "no.".
    """
    stripped = piece.rstrip().rstrip(_CLOSING_MARKS)
    without_dots = stripped.rstrip(".")
    stops = len(stripped) - len(without_dots)
    if stops == 0:
        return stripped.endswith(tuple(STOPS))
    return stops == 1 and not _is_abbreviation(_last_word(without_dots), following)


def _last_word(text: str) -> str:
    """The last word in lower case; empty if the text ends with a space."""
    return "" if text[-1:].isspace() else "".join(text.split()[-1:]).casefold()


def _is_abbreviation(word: str, following: str) -> bool:
    numbered = following[:1].isdigit() and _NUMBER_ABBREVIATION.fullmatch(word)
    return bool(numbered or _ABBREVIATION.fullmatch(word))
