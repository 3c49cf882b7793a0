"""A segment with punctuation and word times -> one segment per sentence."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from contract.transcript import Segment, Word
from worker.planning.aligning import Piece, align

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
    begin and end with their words, so that a pause shows none. Speaker, confidence, language and
    emotion are those of the segment; what else was heard goes with the first sentence, because
    nobody knows where it was and it was heard once.

    Returns:
        In order, each with its own words. Joined by join_texts they make the segment's text; where
        its spaces between sentences are not those that join_texts puts there, all but these. The
        segment itself when it has one sentence, or when its words are missing or unlike its text.
    """
    pieces = align(segment.text, segment.words) if segment.words else None
    if not pieces:
        return [segment]
    sentences = list(_heard(list(_sentences(pieces)), segment.words or ()))
    if len(sentences) < 2:
        return [segment]
    return [
        segment.model_copy(
            update={
                "start_ms": words[0].start_ms if number else segment.start_ms,
                "end_ms": segment.end_ms if number == len(sentences) - 1 else words[-1].end_ms,
                "text": text.strip(),
                "words": words,
                "events": () if number else segment.events,
            }
        )
        for number, (text, words) in enumerate(sentences)
    ]


def _sentences(pieces: Sequence[Piece]) -> Iterator[tuple[str, int]]:
    """The text of each sentence and the ms at which it begins."""
    ends = [place for place, piece in enumerate(pieces, 1) if ends_sentence(piece.text)]
    for begin, end in pairwise(dict.fromkeys([0, *ends, len(pieces)])):
        yield "".join(piece.text for piece in pieces[begin:end]), pieces[begin].start_ms


def ends_sentence(piece: str) -> bool:
    """Whether a sentence ends with this piece of text, a word with its punctuation."""
    if not _END.search(piece):
        return False
    full_stop = _FULL_STOP.search(piece)
    if full_stop is None or not full_stop["word"]:
        return full_stop is None or len(full_stop["stops"]) == 1
    abbreviated = _ABBREVIATION.fullmatch(full_stop["word"].casefold())
    return len(full_stop["stops"]) == 1 and not abbreviated


def _heard(
    sentences: Sequence[tuple[str, int]], words: Sequence[Word]
) -> Iterator[tuple[str, tuple[Word, ...]]]:
    """Each sentence with its words; one without words is added to the one before, or after."""
    starts = [start_ms for _, start_ms in sentences]
    shares: list[list[Word]] = [[] for _ in sentences]
    reached = 0
    for word in words:
        middle_ms = (word.start_ms + word.end_ms) / 2
        reached = max(reached, bisect_right(starts, middle_ms) - 1)
        shares[reached].append(word)
    text = ""
    share: list[Word] = []
    for (more, _), own in zip(sentences, shares, strict=True):
        if own and share:
            yield text, tuple(share)
            text, share = "", []
        text, share = text + more, share + own
    if share:
        yield text, tuple(share)
