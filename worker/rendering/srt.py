"""SubRip: numbered cues, times with a comma."""

from contract.transcript import Segment, Transcript
from worker.rendering.clock import clock
from worker.rendering.interface import Renderer


def render_srt(transcript: Transcript) -> bytes:
    """UTF-8; one cue per segment."""
    return "\n".join(map(_cue, range(1, 1 << 31), transcript.segments)).encode()


def _cue(number: int, segment: Segment) -> str:
    times = f"{clock(segment.start_ms, ',')} --> {clock(segment.end_ms, ',')}"
    return f"{number}\n{times}\n{segment.text}\n"


SRT = Renderer(extension="srt", content_type="application/x-subrip", render=render_srt)
