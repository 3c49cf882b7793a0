"""WebVTT: times with a point, and the three characters that mean markup escaped."""

from contract.transcript import Segment, Transcript
from worker.rendering.clock import clock
from worker.rendering.interface import Renderer

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render_vtt(transcript: Transcript) -> bytes:
    """UTF-8; one cue per segment."""
    return "\n".join(["WEBVTT\n", *map(_cue, transcript.segments)]).encode()


def _cue(segment: Segment) -> str:
    times = f"{clock(segment.start_ms, '.')} --> {clock(segment.end_ms, '.')}"
    return f"{times}\n{segment.text.translate(_ESCAPES)}\n"


VTT = Renderer(extension="vtt", content_type="text/vtt; charset=utf-8", render=render_vtt)
