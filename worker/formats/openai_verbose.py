"""OpenAI's verbose_json, the response of its API for a transcription with timestamps.

Clients with OpenAI's types require every field of a segment: unknown numbers are 0, and an unknown
language is "und" (ISO 639-2). The API returns English language names; this format contains codes.
"""

import json

from funasr_fleet.contract.transcript import Segment, Transcript, Word
from funasr_fleet.worker.formats.fields import audio_ms, seconds, wants_words
from funasr_fleet.worker.formats.interface import Renderer
from funasr_fleet.worker.formats.whisper import whisper_segment


def render_openai_verbose(transcript: Transcript) -> bytes:
    """Render as UTF-8 JSON; words, without punctuation as in the API, only if requested."""
    document: dict[str, object] = {
        "task": "transcribe",
        "language": transcript.language or "und",
        "duration": seconds(audio_ms(transcript)),
        "text": transcript.text,
        "segments": [_segment(*one) for one in enumerate(transcript.segments)],
    }
    if wants_words(transcript):
        document["words"] = [_word(word) for one in transcript.segments for word in one.words or ()]
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _segment(number: int, segment: Segment) -> dict[str, object]:
    unknown: dict[str, object] = {"avg_logprob": 0.0, "no_speech_prob": 0.0}
    return unknown | whisper_segment(number, segment, segment.text)


def _word(word: Word) -> dict[str, object]:
    return {"word": word.text, "start": seconds(word.start_ms), "end": seconds(word.end_ms)}


OPENAI_VERBOSE = Renderer(
    extension="openai-verbose.json", content_type="application/json", render=render_openai_verbose
)
