"""Segments: built from recognised spans with absolute times, and cut between words."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from funasr_fleet.contract.language import reported_language
from funasr_fleet.contract.transcript import Segment, Word
from funasr_fleet.worker.text.spans import Span
from funasr_fleet.worker.text.tokens import join_texts


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """The result of recognising one span; times are relative to the span's beginning."""

    text: str
    words: tuple[Word, ...] | None = None
    """None when the model returns no word times."""
    confidence: float | None = None
    """0-1; None when the model returns no score."""
    language: str | None = None
    """The spoken language; None when the model does not detect it."""
    emotion: str | None = None
    """The speaker's emotion; None when the model does not detect it."""
    events: tuple[str, ...] = ()
    """Non-speech events such as laughter, as named by the model."""
    no_speech_prob: float | None = None
    """Probability, 0-1, that there is no speech; None when the model does not report it."""
    probably_no_speech: bool = False
    """Whether there is probably no speech, by no_speech_prob."""
    left_out: str = ""
    """What the model wrote, if it was removed from `text` because there is no speech."""


def assemble_segments(
    spans: Sequence[Span],
    recognitions: Sequence[Recognition],
    *,
    offset_ms: int,
    with_words: bool,
) -> tuple[Segment, ...]:
    """Build one segment per span with text, in order of time.

    Args:
        spans: detected speech, in ms from the first sample.
        recognitions: one per span, in the same order.
        offset_ms: position of the first sample in the file.
        with_words: whether to keep word times.
    """
    in_order = sorted(zip(spans, recognitions, strict=True), key=lambda one: one[0])
    return tuple(
        Segment(
            start_ms=span.start_ms + offset_ms,
            end_ms=span.end_ms + offset_ms,
            text=recognition.text.strip(),
            confidence=recognition.confidence,
            words=_place(recognition.words, span, offset_ms) if with_words else None,
            language=reported_language(recognition.language),
            emotion=recognition.emotion,
            events=recognition.events,
            no_speech_prob=recognition.no_speech_prob,
        )
        for span, recognition in _merge_events(in_order)
    )


def _merge_events(recognised: Sequence[tuple[Span, Recognition]]) -> list[tuple[Span, Recognition]]:
    """Keep spans with text; events of a span without text move to the previous or next one."""
    kept: list[tuple[Span, Recognition]] = []
    pending_events: tuple[str, ...] = ()
    for span, recognition in recognised:
        if recognition.text.strip():
            events = _union(pending_events, recognition.events)
            kept.append((span, replace(recognition, events=events)))
            pending_events = ()
        elif kept:
            previous_span, previous = kept.pop()
            events = _union(previous.events, recognition.events)
            kept.append((previous_span, replace(previous, events=events)))
        else:
            pending_events = _union(pending_events, recognition.events)
    return kept


def _union(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """The events of both, each once, in order."""
    return tuple(dict.fromkeys([*one, *other]))


def _place(words: tuple[Word, ...] | None, span: Span, offset_ms: int) -> tuple[Word, ...] | None:
    """Convert words from span time to file time, clamped to the span and in order of time."""
    if words is None:
        return None
    placed: list[Word] = []
    earliest = 0
    for word in words:
        start_ms = min(max(word.start_ms, earliest), span.length_ms)
        end_ms = min(max(word.end_ms, start_ms), span.length_ms)
        earliest = end_ms
        shift = span.start_ms + offset_ms
        placed.append(Word(text=word.text, start_ms=start_ms + shift, end_ms=end_ms + shift))
    return tuple(placed)


def whole_text(segments: Sequence[Segment]) -> str:
    """The text of all segments."""
    return join_texts([segment.text for segment in segments])


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
