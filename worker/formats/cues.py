"""A transcript -> subtitle cues: readable, one at a time, with the complete text."""

from collections.abc import Callable

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.cue_cutting import cut
from funasr_fleet.worker.formats.cue_timing import Cue, one_at_a_time
from funasr_fleet.worker.formats.lines import MOST_COLUMNS, columns, lay_out
from funasr_fleet.worker.formats.requested import audio_ms
from funasr_fleet.worker.formats.wide_pieces import narrow
from funasr_fleet.worker.text.alignment import align, in_proportion

_MAX_LEAD = MOST_COLUMNS // 2
"""Columns reserved for a prefix, at most; a longer prefix makes its line too wide."""


def _no_prefix(segment: Segment) -> str:
    return ""


def make_cues(transcript: Transcript, prefix: Callable[[Segment], str] = _no_prefix) -> list[Cue]:
    """Cut all segments into cues, in order of time and without overlap.

    Args:
        transcript: times come from its words; without words, from the length of the text.
        prefix: returns the text with which each cue of a segment begins.
    """
    cues = [cue for segment in transcript.segments for cue in _cues_of(segment, prefix(segment))]
    return one_at_a_time(cues, audio_ms(transcript))


def _cues_of(segment: Segment, prefix: str) -> list[Cue]:
    text = " ".join(segment.text.split())
    pieces = align(text, segment.words or ())
    pieces = pieces or in_proportion(text, segment.start_ms, segment.end_ms)
    lead = min(columns(prefix), _MAX_LEAD)
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
