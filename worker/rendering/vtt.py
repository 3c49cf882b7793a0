"""WebVTT: times with a point, and the three characters that mean markup escaped."""

from contract.transcript import Transcript
from worker.rendering.clock import clock
from worker.rendering.cue_timing import Cue
from worker.rendering.cues import make_cues
from worker.rendering.interface import Renderer

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render_vtt(transcript: Transcript) -> bytes:
    """UTF-8; the speaker, where known, is the voice of the cue."""
    return "\n".join(["WEBVTT\n", *map(_cue, make_cues(transcript))]).encode()


def _cue(cue: Cue) -> str:
    voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
    lines = "\n".join(map(_escaped, cue.lines))
    return f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n{voice}{lines}\n"


def _escaped(text: str) -> str:
    return " ".join(text.split()).translate(_ESCAPES)


VTT = Renderer(extension="vtt", content_type="text/vtt; charset=utf-8", render=render_vtt)
