"""Words and their times in NIST's Conversation Time Mark format, read by sclite and Kaldi."""

from operator import itemgetter

from funasr_fleet.contract.transcript import Transcript, Word
from funasr_fleet.worker.formats.fields import (
    channel_number,
    decimal_seconds,
    one_field,
    recording_name,
)
from funasr_fleet.worker.formats.interface import Renderer


def render_ctm(transcript: Transcript) -> bytes:
    """Render as UTF-8: one line per word, sorted by channel (counted from 1) and start.

    Segments without words have no lines. The last field is the confidence of the word's segment;
    it is omitted if the model returns none.
    """
    name = recording_name(transcript)
    words = [
        (channel_number(transcript, segment), word.start_ms, _line(word, segment.confidence))
        for segment in transcript.segments
        for word in segment.words or ()
        if one_field(word.text)
    ]
    words.sort(key=itemgetter(0, 1))
    return "".join(f"{name} {number} {line}\n" for number, _, line in words).encode()


def _line(word: Word, confidence: float | None) -> str:
    times = f"{decimal_seconds(word.start_ms)} {decimal_seconds(word.end_ms - word.start_ms)}"
    score = "" if confidence is None else f" {confidence:.3f}"
    return f"{times} {one_field(word.text)}{score}"


CTM = Renderer(extension="ctm", content_type="text/plain; charset=utf-8", render=render_ctm)
