"""The JSON output of openai-whisper, which many programs can read.

A word's `probability` is omitted: no model returns it, and readers of these files do not require
it. `no_speech_prob` is present only for Whisper, since no other model reports it. Segments of a
diarized transcript have `speaker`, as in whisperX. Whisper's writers require words in every segment
or in none: if only some segments have words, the words of the others share their segment's time in
proportion to their characters.
"""

import json
import math
import zlib

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.fields import seconds, wants_words
from funasr_fleet.worker.formats.interface import Renderer
from funasr_fleet.worker.text.alignment import Piece, align, in_proportion
from funasr_fleet.worker.text.tokens import join_texts


def render_whisper(transcript: Transcript) -> bytes:
    """Render as UTF-8 JSON; each text includes the space before it, so that they can be joined."""
    segments: list[dict[str, object]] = []
    previous_text = ""
    with_words = wants_words(transcript) and any(one.words for one in transcript.segments)
    for number, segment in enumerate(transcript.segments):
        gap = join_texts([previous_text, segment.text]).removeprefix(previous_text.strip())
        gap = " " if gap.startswith(" ") else ""
        segments.append(_segment(number, segment, gap))
        if with_words:
            segments[-1]["words"] = _words(segment, gap)
        previous_text = segment.text
    document = {"text": transcript.text, "segments": segments, "language": transcript.language}
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _segment(number: int, segment: Segment, gap: str) -> dict[str, object]:
    document = whisper_segment(number, segment, gap + segment.text)
    if segment.speaker is not None:
        document["speaker"] = segment.speaker
    return document


def _words(segment: Segment, gap: str) -> list[dict[str, object]]:
    """The words, with the text's punctuation if text and words can be aligned."""
    words = []
    for text, start_ms, end_ms in _pieces(segment):
        words.append(
            {"word": gap + text.rstrip(), "start": seconds(start_ms), "end": seconds(end_ms)}
        )
        gap = text[len(text.rstrip()) :]
    return words


def _pieces(segment: Segment) -> list[Piece]:
    if not segment.words:
        return in_proportion(segment.text, segment.start_ms, segment.end_ms)
    return align(segment.text, segment.words) or [
        Piece(f"{word.text} ", word.start_ms, word.end_ms) for word in segment.words
    ]


_MIN_SCORE = 1e-4
"""Zero has no logarithm."""


def whisper_segment(number: int, segment: Segment, text: str) -> dict[str, object]:
    """The fields of a Whisper segment that are known or can be derived.

    `seek` is the start of the recognised window in frames of 10 ms; here each segment is a window.
    `tokens` is empty, because no other model has Whisper's tokens. `avg_logprob` is the logarithm
    of the confidence and is omitted without a confidence. `temperature` is 0: no sampling.
    """
    return {
        "id": number,
        "seek": segment.start_ms // 10,
        "start": seconds(segment.start_ms),
        "end": seconds(segment.end_ms),
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        **_avg_logprob(segment.confidence),
        "compression_ratio": _compression_ratio(segment.text),
        **({} if segment.no_speech_prob is None else {"no_speech_prob": segment.no_speech_prob}),
    }


def _avg_logprob(score: float | None) -> dict[str, float]:
    return {} if score is None else {"avg_logprob": round(math.log(max(score, _MIN_SCORE)), 4)}


def _compression_ratio(text: str) -> float:
    """Size of the text divided by its zlib size; above 2.4 Whisper regards it as repetitive."""
    encoded = text.encode()
    return round(len(encoded) / len(zlib.compress(encoded)), 4)


WHISPER = Renderer(extension="whisper.json", content_type="application/json", render=render_whisper)
