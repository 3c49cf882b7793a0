"""A transcript as subtitles: cues that can be read, one at a time, and nothing of the text lost."""

from collections.abc import Callable

from contract.transcript import Segment, Transcript
from worker.planning.aligning import align, in_proportion
from worker.rendering.asked import audio_ms
from worker.rendering.cue_cutting import cut
from worker.rendering.cue_timing import Cue, one_at_a_time
from worker.rendering.lines import MOST_COLUMNS, columns, lay_out
from worker.rendering.wide_pieces import narrow

_MOST_LEAD = MOST_COLUMNS // 2
"""Columns of a line that a prefix may take; one longer than that makes its line too wide."""


def _no_prefix(segment: Segment) -> str:
    return ""


def make_cues(transcript: Transcript, prefix: Callable[[Segment], str] = _no_prefix) -> list[Cue]:
    """Cut all segments into cues, in order of time and none beside another.

    Args:
        transcript: the words of its segments say when to cut; without them, the length of the text.
        prefix: what each cue of a segment begins with.
    """
    cues = [cue for segment in transcript.segments for cue in _cues_of(segment, prefix(segment))]
    return one_at_a_time(cues, audio_ms(transcript))


def _cues_of(segment: Segment, prefix: str) -> list[Cue]:
    text = " ".join(segment.text.split())
    pieces = align(text, segment.words or ())
    pieces = pieces or in_proportion(text, segment.start_ms, segment.end_ms)
    lead = min(columns(prefix), _MOST_LEAD)
    cues = []
    for part in cut(narrow(pieces, MOST_COLUMNS - lead), lead):
        first, *second = lay_out([piece.text for piece in part], lead)
        cues.append(
            Cue(
                start_ms=max(part[0].start_ms, segment.start_ms),
                end_ms=min(part[-1].end_ms, segment.end_ms),
                lines=(prefix + first, *second),
                speaker=segment.speaker,
            )
        )
    return cues
