"""Words and their times in NIST's Conversation Time Mark format, as sclite and Kaldi read it."""

from collections.abc import Iterator

from contract.transcript import Segment, Transcript, Word
from worker.rendering.asked import audio_name, one_field
from worker.rendering.clock import decimal_seconds
from worker.rendering.interface import Renderer


def render_ctm(transcript: Transcript) -> bytes:
    """UTF-8; one line per word, channels counted from 1; nothing for segments without words.

    The last field, there when the model scores segments, is the confidence of the word's segment.
    """
    heading = f"{audio_name(transcript)} {(transcript.audio.channel or 0) + 1}"
    lines = (line for segment in transcript.segments for line in _words(segment))
    return "".join(f"{heading} {line}\n" for line in lines).encode()


def _words(segment: Segment) -> Iterator[str]:
    score = "" if segment.confidence is None else f" {segment.confidence:.3f}"
    for word in segment.words or ():
        if field := one_field(word.text):
            yield f"{_times(word)} {field}{score}"


def _times(word: Word) -> str:
    return f"{decimal_seconds(word.start_ms)} {decimal_seconds(word.end_ms - word.start_ms)}"


CTM = Renderer(extension="ctm", content_type="text/plain; charset=utf-8", render=render_ctm)
