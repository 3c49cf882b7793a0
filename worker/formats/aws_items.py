"""The items of Amazon Transcribe's output: words with their times, punctuation without."""

from collections.abc import Iterator
from typing import Any

from funasr_fleet.contract.transcript import Segment
from funasr_fleet.worker.formats.lines import CLAUSE_STOPS
from funasr_fleet.worker.formats.timestamps import decimal_seconds
from funasr_fleet.worker.text.alignment import Piece, align, in_proportion
from funasr_fleet.worker.text.sentences import STOPS as SENTENCE_STOPS

_STOPS = f"{SENTENCE_STOPS}{CLAUSE_STOPS}\u2026"
"""Marks that become punctuation items; others, such as quotation marks, stay with the word."""
_NO_SCORE = "0.0"


def items_of(segment: Segment, first_id: int) -> list[dict[str, Any]]:
    """One item per word and one per run of punctuation, numbered from `first_id`."""
    pieces = align(segment.text, segment.words or ()) or in_proportion(
        segment.text, segment.start_ms, segment.end_ms
    )
    items = [item for piece in pieces for item in _items(piece, segment)]
    return [{"id": first_id + number, **item} for number, item in enumerate(items)]


def _items(piece: Piece, segment: Segment) -> Iterator[dict[str, Any]]:
    stripped = piece.text.strip()
    word = stripped.rstrip(f"{_STOPS} ")
    stops = "".join(stripped[len(word) :].split())
    speaker = {"speaker_label": segment.speaker} if segment.speaker else {}
    if word:
        yield {
            "type": "pronunciation",
            "alternatives": [_alternative(word, segment.confidence)],
            "start_time": decimal_seconds(piece.start_ms),
            "end_time": decimal_seconds(piece.end_ms),
            **speaker,
        }
    if stops:
        yield {"type": "punctuation", "alternatives": [_alternative(stops, None)], **speaker}


def _alternative(content: str, confidence: float | None) -> dict[str, str]:
    score = _NO_SCORE if confidence is None else f"{confidence:.3f}"
    return {"confidence": score, "content": content}
