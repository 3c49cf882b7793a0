"""Speaker turns in NIST's Rich Transcription Time Marked format (RT-09, appendix A)."""

from operator import itemgetter

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.fields import (
    channel_number,
    decimal_seconds,
    one_field,
    recording_name,
)
from funasr_fleet.worker.formats.interface import Renderer

NO_SPEAKER = "speech"
"""Speaker name of transcripts without diarization: the file then lists ranges of speech."""


def render_rttm(transcript: Transcript) -> bytes:
    """Render as UTF-8: one SPEAKER line per segment, by channel (counted from 1) and start."""
    name = recording_name(transcript)
    turns = [(channel_number(transcript, one), one.start_ms, one) for one in transcript.segments]
    turns.sort(key=itemgetter(0, 1))
    return "".join(f"SPEAKER {name} {number} {_turn(one)}\n" for number, _, one in turns).encode()


def _turn(segment: Segment) -> str:
    start = decimal_seconds(segment.start_ms)
    length = decimal_seconds(segment.end_ms - segment.start_ms)
    speaker = one_field(segment.speaker or "") or NO_SPEAKER
    return f"{start} {length} <NA> <NA> {speaker} <NA> <NA>"


RTTM = Renderer(extension="rttm", content_type="text/plain; charset=utf-8", render=render_rttm)
