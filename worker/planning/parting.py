"""A segment cut between pieces of its text, each part with its own words and times."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from contract.transcript import Segment, Word


class Part(NamedTuple):
    """A part of a segment's text, and the ms at which it begins."""

    text: str
    start_ms: int
    speaker: str | None = None
    """Whose it is; None leaves it to the segment."""


def part(segment: Segment, parts: Sequence[Part]) -> list[Segment]:
    """Cut a segment.

    The first part begins with the segment and the last one ends with it, as a segment that is not
    cut does; in between, parts begin and end with their words, so that a pause shows none. What no
    word was heard of stays with the part before. What else was heard goes with the first part,
    because nobody knows where it was and it was heard once.

    Args:
        segment: with words.
        parts: all of its text, in order.

    Returns:
        In order, each with its own words; one alone is all of the segment.
    """
    told = list(_with_words(parts, segment.words or ()))
    if len(told) < 2:
        who = next((one.speaker for one in parts if one.speaker is not None), segment.speaker)
        return [segment.model_copy(update={"speaker": who})]
    return [
        segment.model_copy(
            update={
                "start_ms": words[0].start_ms if number else segment.start_ms,
                "end_ms": segment.end_ms if number == len(told) - 1 else words[-1].end_ms,
                "text": one.text.strip(),
                "words": words,
                "speaker": segment.speaker if one.speaker is None else one.speaker,
                "events": () if number else segment.events,
            }
        )
        for number, (one, words) in enumerate(told)
    ]


def _with_words(
    parts: Sequence[Part], words: Sequence[Word]
) -> Iterator[tuple[Part, tuple[Word, ...]]]:
    """Each part with its words; one without words is added to the one before, or after."""
    waiting: Part | None = None
    share: list[Word] = []
    for one, own in zip(parts, _shares(parts, words), strict=True):
        if waiting and own and share:
            yield waiting, tuple(share)
            waiting, share = None, []
        text = (waiting.text if waiting else "") + one.text
        waiting = (waiting if waiting and share else one)._replace(text=text)
        share += own
    if waiting and share:
        yield waiting, tuple(share)


def _shares(parts: Sequence[Part], words: Sequence[Word]) -> list[list[Word]]:
    """The words whose middle lies in each part, in order."""
    starts = [one.start_ms for one in parts]
    shares: list[list[Word]] = [[] for _ in parts]
    reached = 0
    for word in words:
        middle_ms = (word.start_ms + word.end_ms) / 2
        reached = max(reached, bisect_right(starts, middle_ms) - 1)
        shares[reached].append(word)
    return shares
