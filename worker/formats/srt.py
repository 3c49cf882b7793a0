"""SubRip: numbered cues, times with a comma."""

import re
from collections.abc import Callable

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.cue_timing import Cue
from funasr_fleet.worker.formats.cues import make_cues
from funasr_fleet.worker.formats.fields import clock_time, speakers_of
from funasr_fleet.worker.formats.interface import Renderer

_MARKUP = re.compile(r"(?<=--)(?=>)|(?<=<)(?=[\w/])|(?<=\{)(?=\\)")
"""Positions inside "-->", which marks a line of times, and where markup begins ("<" and "{")."""
_WORD_JOINER = "\u2060"


def render_srt(transcript: Transcript) -> bytes:
    """Render as UTF-8; each cue begins with its speaker if there is more than one."""
    segments = tuple(map(_with_plain_text, transcript.segments))
    cues = make_cues(transcript.model_copy(update={"segments": segments}), _prefix(transcript))
    return "\n".join(_cue(number, cue) for number, cue in enumerate(cues, 1)).encode()


def _with_plain_text(segment: Segment) -> Segment:
    return segment.model_copy(update={"text": _without_markup(segment.text)})


def _without_markup(text: str) -> str:
    """Break up markup with an invisible word joiner, because SubRip has no escapes."""
    return _MARKUP.sub(_WORD_JOINER, text)


def _prefix(transcript: Transcript) -> Callable[[Segment], str]:
    several = len(speakers_of(transcript)) > 1

    def prefix(segment: Segment) -> str:
        speaker = " ".join(_without_markup(segment.speaker or "").split())
        return f"{speaker}: " if several and speaker else ""

    return prefix


def _cue(number: int, cue: Cue) -> str:
    first, *second = cue.lines
    lines = "\n".join([first, *map(_not_a_number, second)])
    return f"{number}\n{clock_time(cue.start_ms, ',')} --> {clock_time(cue.end_ms, ',')}\n{lines}\n"


def _not_a_number(line: str) -> str:
    """The line, prefixed with a word joiner if parsers would read it as the next cue's number."""
    return f"{_WORD_JOINER}{line}" if line.isdecimal() else line


SRT = Renderer(extension="srt", content_type="application/x-subrip", render=render_srt)
