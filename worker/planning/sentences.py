"""A segment with punctuation and word times -> one segment per sentence."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from contract.transcript import Segment
from worker.planning.aligning import Piece, align
from worker.planning.parting import Part, part

_CLOSERS = r"[\"'\u201d\u2019\u00bb)\]}\u300d\u300f\uff09\u3011\u300b\u3009\u3015\u2013\u2014-]*"
"""Quotation marks, brackets and dashes behind a sentence belong to it."""
_END = re.compile(rf"[.!?\u3002\uff01\uff1f\uff0e\uff61]+{_CLOSERS}\s*$")
_FULL_STOP = re.compile(rf"(?P<word>\S*?)(?P<stops>\.+){_CLOSERS}\s*$")
_ABBREVIATION = re.compile(
    r"\W*(?:(?:[a-z]\.)*[a-z]|mr|mrs|ms|dr|prof|sr|jr|st|mt|vs|etc|cf|approx|dept|gen|col|capt"
    r"|lt|sgt|rev|hon|gov|sen|rep)"
)
"""Also e.g., p.m., U.S. and initials: a sentence too long is better than half of one."""


def split_sentences(segment: Segment) -> list[Segment]:
    """Cut a segment behind each sentence.

    A sentence ends at a full stop, question mark or exclamation mark of either world, with the
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
    ends = [place for place, piece in enumerate(pieces, 1) if ends_sentence(piece.text)]
    for begin, end in pairwise(dict.fromkeys([0, *ends, len(pieces)])):
        text = "".join(piece.text for piece in pieces[begin:end])
        yield Part(text, pieces[begin].start_ms)


def ends_sentence(piece: str) -> bool:
    """Whether a sentence ends with this piece of text, a word with its punctuation."""
    if not _END.search(piece):
        return False
    full_stop = _FULL_STOP.search(piece)
    if full_stop is None or not full_stop["word"]:
        return full_stop is None or len(full_stop["stops"]) == 1
    abbreviated = _ABBREVIATION.fullmatch(full_stop["word"].casefold())
    return len(full_stop["stops"]) == 1 and not abbreviated
