"""The output format of Amazon Transcribe's batch transcriptions, as in its developer guide.

Times and confidences are strings. Speakers are spk_0, spk_1 ... in the order in which they first
spoke. An item's confidence is that of its segment; it is 0.0 for punctuation, and if the model
returns no confidence. Without words, items share their segment's time in proportion to their
characters.
"""

import json
from collections.abc import Iterator

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.fields import audio_name, decimal_seconds, speakers_of
from funasr_fleet.worker.formats.interface import Renderer
from funasr_fleet.worker.formats.lines import CLAUSE_STOPS
from funasr_fleet.worker.text.alignment import Piece, align, in_proportion
from funasr_fleet.worker.text.sentences import STOPS as SENTENCE_STOPS

Document = dict[str, object]


def render_aws_transcribe(transcript: Transcript) -> bytes:
    """Render as UTF-8 JSON; speaker_labels only if there are speakers."""
    transcript = _with_labels(transcript)
    items: list[Document] = []
    segments_with_items: list[tuple[Segment, list[Document]]] = []
    for segment in transcript.segments:
        items_of_segment = items_of(segment, len(items))
        items += items_of_segment
        segments_with_items.append((segment, items_of_segment))
    results: Document = {"transcripts": [{"transcript": transcript.text}], "items": items}
    if transcript.language:
        results["language_code"] = transcript.language
    if speakers := speakers_of(transcript):
        turns = [
            _turn(segment, items_of_segment)
            for segment, items_of_segment in segments_with_items
            if segment.speaker
        ]
        results["speaker_labels"] = {"speakers": len(speakers), "segments": turns}
    results["audio_segments"] = [
        _audio_segment(i, *one) for i, one in enumerate(segments_with_items)
    ]
    document = {
        "jobName": transcript.receipt.job or audio_name(transcript),
        "accountId": "",
        "status": "COMPLETED",
        "results": results,
    }
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _with_labels(transcript: Transcript) -> Transcript:
    """The transcript with Amazon's speaker names."""
    labels = {name: f"spk_{number}" for number, name in enumerate(speakers_of(transcript))}
    segments = tuple(
        segment.model_copy(update={"speaker": labels.get(segment.speaker or "")})
        for segment in transcript.segments
    )
    return transcript.model_copy(update={"segments": segments})


def _times(segment: Segment) -> dict[str, str]:
    return {
        "start_time": decimal_seconds(segment.start_ms),
        "end_time": decimal_seconds(segment.end_ms),
    }


def _turn(segment: Segment, items: list[Document]) -> Document:
    """A segment of speaker_labels; it lists words but no punctuation."""
    fields = ("start_time", "end_time", "speaker_label")
    spoken = [{name: item[name] for name in fields} for item in items if "start_time" in item]
    return {**_times(segment), "speaker_label": segment.speaker, "items": spoken}


def _audio_segment(number: int, segment: Segment, items: list[Document]) -> Document:
    """A segment of audio_segments; it lists its items by their ids."""
    speaker = {"speaker_label": segment.speaker} if segment.speaker else {}
    numbers = [item["id"] for item in items]
    return {
        "id": number,
        "transcript": segment.text,
        **_times(segment),
        **speaker,
        "items": numbers,
    }


_STOPS = f"{SENTENCE_STOPS}{CLAUSE_STOPS}\u2026"
"""Marks that become punctuation items; others, such as quotation marks, stay with the word."""
_NO_SCORE = "0.0"


def items_of(segment: Segment, first_id: int) -> list[Document]:
    """One item per word and one per run of punctuation, numbered from `first_id`."""
    pieces = align(segment.text, segment.words or ()) or in_proportion(
        segment.text, segment.start_ms, segment.end_ms
    )
    items = [item for piece in pieces for item in _items(piece, segment)]
    return [{"id": first_id + number, **item} for number, item in enumerate(items)]


def _items(piece: Piece, segment: Segment) -> Iterator[Document]:
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


AWS_TRANSCRIBE = Renderer(
    extension="aws-transcribe.json", content_type="application/json", render=render_aws_transcribe
)
