"""OpenAI's verbose_json, as its API answers a transcription with timestamps.

Readers with OpenAI's types want every field of a segment: what is not known is 0, and a language
that is not known is "und" (ISO 639-2). The API names languages in English; here it is the code.
"""

import json
from typing import Any

from contract.transcript import Segment, Transcript, Word
from worker.rendering.as_whisper import whisper_segment
from worker.rendering.asked import audio_ms, wants_words
from worker.rendering.clock import seconds
from worker.rendering.interface import Renderer


def render_openai_verbose(transcript: Transcript) -> bytes:
    """UTF-8; words, without punctuation as the API has them, only when they were asked for."""
    document: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language or "und",
        "duration": seconds(audio_ms(transcript)),
        "text": transcript.text,
        "segments": [_segment(*one) for one in enumerate(transcript.segments)],
    }
    if wants_words(transcript):
        document["words"] = [_word(word) for one in transcript.segments for word in one.words or ()]
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    unknown = {"avg_logprob": 0.0, "no_speech_prob": 0.0}
    return unknown | whisper_segment(number, segment, segment.text)


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text, "start": seconds(word.start_ms), "end": seconds(word.end_ms)}


OPENAI_VERBOSE = Renderer(
    extension="openai-verbose.json", content_type="application/json", render=render_openai_verbose
)
