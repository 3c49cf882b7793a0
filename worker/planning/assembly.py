"""Recognised spans -> segments with absolute times, and the text that they make together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contract.transcript import Segment, Word
from worker.planning.spans import Span
from worker.planning.words import join_texts


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """What the recogniser heard in one span; times count from the span's beginning."""

    text: str
    words: tuple[Word, ...] | None = None
    """None when the model gives no word times."""
    confidence: float | None = None
    """0-1; None when the model gives no score."""
    language: str | None = None
    """What was spoken; None when the model does not say."""
    emotion: str | None = None
    """How it was said; None when the model does not say."""
    events: tuple[str, ...] = ()
    """What else was heard, in the model's words."""


def assemble_segments(
    spans: Sequence[Span],
    recognitions: Sequence[Recognition],
    *,
    offset_ms: int,
    with_words: bool,
) -> tuple[Segment, ...]:
    """One segment per span in which something was said, in order of time.

    Args:
        spans: where speech was found, in ms from the first sample.
        recognitions: one per span, in the same order.
        offset_ms: where the first sample lies in the file.
        with_words: whether to keep word times.
    """
    said = _with_all_events(sorted(zip(spans, recognitions, strict=True), key=lambda one: one[0]))
    return tuple(
        Segment(
            start_ms=span.start_ms + offset_ms,
            end_ms=span.end_ms + offset_ms,
            text=heard.text.strip(),
            confidence=heard.confidence,
            words=_place(heard.words, span, offset_ms) if with_words else None,
            language=heard.language,
            emotion=heard.emotion,
            events=heard.events,
        )
        for span, heard in said
    )


def _with_all_events(said: Sequence[tuple[Span, Recognition]]) -> list[tuple[Span, Recognition]]:
    """Spans with text; what else was heard in one without goes with the text before, or after."""
    kept: list[tuple[Span, Recognition]] = []
    waiting: tuple[str, ...] = ()
    for span, heard in said:
        if heard.text.strip():
            kept.append((span, replace(heard, events=_united(waiting, heard.events))))
            waiting = ()
        elif kept:
            before, text = kept.pop()
            kept.append((before, replace(text, events=_united(text.events, heard.events))))
        else:
            waiting = _united(waiting, heard.events)
    return kept


def _united(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """All of both, each once."""
    return tuple(dict.fromkeys([*one, *other]))


def _place(words: tuple[Word, ...] | None, span: Span, offset_ms: int) -> tuple[Word, ...] | None:
    """Move words from span time to file time, inside the span and never running backwards."""
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
