"""WebVTT: times with a decimal point; the markup characters &, < and > are escaped."""

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.cue_timing import Cue
from funasr_fleet.worker.formats.cues import make_cues
from funasr_fleet.worker.formats.fields import clock_time
from funasr_fleet.worker.formats.interface import Renderer

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render_vtt(transcript: Transcript) -> bytes:
    """Render as UTF-8; the speaker, if known, is the cue's voice tag."""
    return "\n".join(["WEBVTT\n", *map(_cue, make_cues(transcript))]).encode()


def _cue(cue: Cue) -> str:
    voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
    lines = "\n".join(map(_escaped, cue.lines))
    return f"{clock_time(cue.start_ms, '.')} --> {clock_time(cue.end_ms, '.')}\n{voice}{lines}\n"


def _escaped(text: str) -> str:
    return " ".join(text.split()).translate(_ESCAPES)


VTT = Renderer(extension="vtt", content_type="text/vtt; charset=utf-8", render=render_vtt)
