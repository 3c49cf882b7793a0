"""The .json of openai-whisper, for the many programs that read it.

`no_speech_prob` and a word's `probability` are left out: no model here tells them, and the
programs that read these files do without. Segments of a diarized transcript have `speaker`, as
whisperX writes it. Whisper's own writers want words in every segment or in none: where some have
them, the words of the others share their segment's time in proportion to their characters.
"""

import json
from typing import Any

from contract.transcript import Segment, Transcript
from worker.planning.aligning import Piece, align, in_proportion
from worker.planning.words import join_texts
from worker.rendering.as_whisper import whisper_segment
from worker.rendering.asked import wants_words
from worker.rendering.clock import seconds
from worker.rendering.interface import Renderer


def render_whisper(transcript: Transcript) -> bytes:
    """UTF-8; texts begin with the space before them, so that joined they are the whole text."""
    segments: list[dict[str, Any]] = []
    before = ""
    with_words = wants_words(transcript) and any(one.words for one in transcript.segments)
    for number, segment in enumerate(transcript.segments):
        gap = join_texts([before, segment.text]).removeprefix(before.strip())
        gap = " " if gap.startswith(" ") else ""
        segments.append(_segment(number, segment, gap))
        if with_words:
            segments[-1]["words"] = _words(segment, gap)
        before = segment.text
    document = {"text": transcript.text, "segments": segments, "language": transcript.language}
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _segment(number: int, segment: Segment, gap: str) -> dict[str, Any]:
    document = whisper_segment(number, segment, gap + segment.text)
    if segment.speaker is not None:
        document["speaker"] = segment.speaker
    return document


def _words(segment: Segment, gap: str) -> list[dict[str, Any]]:
    """The words with the text's punctuation where it can be told whose it is."""
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


WHISPER = Renderer(extension="whisper.json", content_type="application/json", render=render_whisper)
