"""Cut a segment between pieces of its text; each part gets its own words and times."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from funasr_fleet.contract.transcript import Segment, Word


class TextPart(NamedTuple):
    """A part of a segment's text, with its start time."""

    text: str
    start_ms: int
    speaker: str | None = None
    """None: the segment's speaker."""


def split_segment(segment: Segment, parts: Sequence[TextPart]) -> list[Segment]:
    """Cut a segment into parts.

    The first part begins with the segment and the last one ends with it. In between, parts begin
    and end with their words, so that a pause belongs to none. A part without words is added to the
    previous part, or to the next one if there is none. Events stay with the first part, because
    their time is unknown and they occurred once.

    Args:
        segment: a segment with words.
        parts: all of its text, in order.

    Returns:
        Segments in order, each with its own words; the whole segment if only one part has words.
    """
    parts_with_words = list(_merge_wordless(parts, segment.words or ()))
    if len(parts_with_words) < 2:
        speaker = next((one.speaker for one in parts if one.speaker is not None), segment.speaker)
        return [segment.model_copy(update={"speaker": speaker})]
    return [
        segment.model_copy(
            update={
                "start_ms": words[0].start_ms if number else segment.start_ms,
                "end_ms": segment.end_ms
                if number == len(parts_with_words) - 1
                else words[-1].end_ms,
                "text": one.text.strip(),
                "words": words,
                "speaker": segment.speaker if one.speaker is None else one.speaker,
                "events": () if number else segment.events,
            }
        )
        for number, (one, words) in enumerate(parts_with_words)
    ]


def _merge_wordless(
    parts: Sequence[TextPart], words: Sequence[Word]
) -> Iterator[tuple[TextPart, tuple[Word, ...]]]:
    """Each part with its words; a part without words is added to the previous or next part."""
    pending: TextPart | None = None
    pending_words: list[Word] = []
    for one, own in zip(parts, _words_of_parts(parts, words), strict=True):
        if pending and own and pending_words:
            yield pending, tuple(pending_words)
            pending, pending_words = None, []
        text = (pending.text if pending else "") + one.text
        pending = (pending if pending and pending_words else one)._replace(text=text)
        pending_words += own
    if pending and pending_words:
        yield pending, tuple(pending_words)


def _words_of_parts(parts: Sequence[TextPart], words: Sequence[Word]) -> list[list[Word]]:
    """The words whose middle lies in each part, in order."""
    starts = [one.start_ms for one in parts]
    words_of_parts: list[list[Word]] = [[] for _ in parts]
    index = 0
    for word in words:
        middle_ms = (word.start_ms + word.end_ms) / 2
        index = max(index, bisect_right(starts, middle_ms) - 1)
        words_of_parts[index].append(word)
    return words_of_parts
