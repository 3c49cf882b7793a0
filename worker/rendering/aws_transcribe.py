"""The output of Amazon Transcribe, as its developer guide shows it for batch transcriptions.

Times and confidences are strings there. Speakers are spk_0, spk_1 ... in the order in which they
first spoke. An item's confidence is that of its segment, and 0.0, as
for punctuation, where the model gives none. Without words, items share their segment's time in
proportion to their characters.
"""

import json
from typing import Any

from contract.transcript import Segment, Transcript
from worker.rendering.asked import audio_name, speakers_of
from worker.rendering.aws_items import items_of
from worker.rendering.clock import decimal_seconds
from worker.rendering.interface import Renderer

Document = dict[str, Any]


def render_aws_transcribe(transcript: Transcript) -> bytes:
    """UTF-8; speaker_labels only where there are speakers."""
    transcript = _with_labels(transcript)
    items: list[Document] = []
    stretches: list[tuple[Segment, list[Document]]] = []
    for segment in transcript.segments:
        own = items_of(segment, len(items))
        items += own
        stretches.append((segment, own))
    results: Document = {"transcripts": [{"transcript": transcript.text}], "items": items}
    if transcript.language:
        results["language_code"] = transcript.language
    if speakers := speakers_of(transcript):
        turns = [_turn(segment, own) for segment, own in stretches if segment.speaker]
        results["speaker_labels"] = {"speakers": len(speakers), "segments": turns}
    results["audio_segments"] = [_stretch(i, *one) for i, one in enumerate(stretches)]
    document = {
        "jobName": transcript.receipt.job or audio_name(transcript),
        "accountId": "",
        "status": "COMPLETED",
        "results": results,
    }
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _with_labels(transcript: Transcript) -> Transcript:
    """The same with speakers named as Amazon names them."""
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
    """A segment of speaker_labels; only what was pronounced is listed there."""
    fields = ("start_time", "end_time", "speaker_label")
    spoken = [{name: item[name] for name in fields} for item in items if "start_time" in item]
    return {**_times(segment), "speaker_label": segment.speaker, "items": spoken}


def _stretch(number: int, segment: Segment, items: list[Document]) -> Document:
    """A segment of audio_segments; it names its items by their numbers."""
    speaker = {"speaker_label": segment.speaker} if segment.speaker else {}
    numbers = [item["id"] for item in items]
    return {
        "id": number,
        "transcript": segment.text,
        **_times(segment),
        **speaker,
        "items": numbers,
    }


AWS_TRANSCRIBE = Renderer(
    extension="aws-transcribe.json", content_type="application/json", render=render_aws_transcribe
)
