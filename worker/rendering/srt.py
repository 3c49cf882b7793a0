"""SubRip: numbered cues, times with a comma."""

import re
from collections.abc import Callable

from contract.transcript import Segment, Transcript
from worker.rendering.asked import speakers_of
from worker.rendering.clock import clock
from worker.rendering.cue_timing import Cue
from worker.rendering.cues import make_cues
from worker.rendering.interface import Renderer

_TAKEN_FOR_MORE = re.compile(r"(?<=--)(?=>)|(?<=<)(?=[\w/])|(?<=\{)(?=\\)")
"""Within an arrow, which makes a line of times; where markup begins that players would act upon."""
_WORD_JOINER = "\u2060"


def render_srt(transcript: Transcript) -> bytes:
    """UTF-8; each cue begins with its speaker when there is more than one."""
    segments = tuple(map(_plain, transcript.segments))
    cues = make_cues(transcript.model_copy(update={"segments": segments}), _prefix(transcript))
    return "\n".join(_cue(number, cue) for number, cue in enumerate(cues, 1)).encode()


def _plain(segment: Segment) -> Segment:
    return segment.model_copy(update={"text": _harmless(segment.text)})


def _harmless(text: str) -> str:
    """The same to the eye: SubRip has no escapes, so what cannot be seen stands in between."""
    return _TAKEN_FOR_MORE.sub(_WORD_JOINER, text)


def _prefix(transcript: Transcript) -> Callable[[Segment], str]:
    several = len(speakers_of(transcript)) > 1

    def prefix(segment: Segment) -> str:
        speaker = " ".join(_harmless(segment.speaker or "").split())
        return f"{speaker}: " if several and speaker else ""

    return prefix


def _cue(number: int, cue: Cue) -> str:
    first, *second = cue.lines
    lines = "\n".join([first, *map(_no_number, second)])
    return f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{lines}\n"


def _no_number(line: str) -> str:
    """A line that readers do not take for the number of the next cue."""
    return f"{_WORD_JOINER}{line}" if line.isdecimal() else line


SRT = Renderer(extension="srt", content_type="application/x-subrip", render=render_srt)
