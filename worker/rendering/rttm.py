"""Who spoke when, in NIST's Rich Transcription Time Marked format (RT-09, appendix A)."""

from operator import itemgetter

from contract.transcript import Segment, Transcript
from worker.rendering.asked import channel_number, one_field, recording_name
from worker.rendering.clock import decimal_seconds
from worker.rendering.interface import Renderer

NOBODY = "speech"
"""The name where speakers were not asked for: then it says when somebody spoke."""


def render_rttm(transcript: Transcript) -> bytes:
    """UTF-8; one SPEAKER line per segment, channels counted from 1 and one after the other."""
    name = recording_name(transcript)
    turns = [(channel_number(transcript, one), one.start_ms, one) for one in transcript.segments]
    turns.sort(key=itemgetter(0, 1))
    return "".join(f"SPEAKER {name} {number} {_turn(one)}\n" for number, _, one in turns).encode()


def _turn(segment: Segment) -> str:
    start = decimal_seconds(segment.start_ms)
    length = decimal_seconds(segment.end_ms - segment.start_ms)
    speaker = one_field(segment.speaker or "") or NOBODY
    return f"{start} {length} <NA> <NA> {speaker} <NA> <NA>"


RTTM = Renderer(extension="rttm", content_type="text/plain; charset=utf-8", render=render_rttm)
