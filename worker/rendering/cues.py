"""A transcript as subtitles: cues that can be read, one at a time, and nothing of the text lost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from contract.transcript import Segment, Transcript
from worker.planning.aligning import align, in_proportion
from worker.rendering.cue_cutting import LEAST_MS, MOST_MS, cut
from worker.rendering.lines import columns, lay_out


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What is on the screen for a while."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    """One or two."""
    speaker: str | None = None


def _no_prefix(segment: Segment) -> str:
    return ""


def make_cues(transcript: Transcript, prefix: Callable[[Segment], str] = _no_prefix) -> list[Cue]:
    """Cut all segments into cues, in order of time and none beside another.

    Args:
        transcript: the words of its segments say when to cut; without them, the length of the text.
        prefix: what each cue of a segment begins with.
    """
    cues = [cue for segment in transcript.segments for cue in _cues_of(segment, prefix(segment))]
    last_ms = max((segment.end_ms for segment in transcript.segments), default=0)
    return _one_at_a_time(cues, max(last_ms, transcript.audio.duration_ms or 0))


def _cues_of(segment: Segment, prefix: str) -> list[Cue]:
    text = " ".join(segment.text.split())
    pieces = align(text, segment.words or ())
    pieces = pieces or in_proportion(text, segment.start_ms, segment.end_ms)
    lead = columns(prefix)
    cues = []
    for part in cut(pieces, lead):
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


def _one_at_a_time(cues: Sequence[Cue], audio_ms: int) -> list[Cue]:
    """Cues in order of time, none overlapping, each long enough to be read where there is room."""
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    starts: list[int] = []
    for position, cue in enumerate(ordered):
        latest_ms = audio_ms - (len(ordered) - position)
        before = (ordered[position - 1], starts[-1]) if starts else None
        starts.append(_start(cue, before, latest_ms))
    nexts = [*starts, audio_ms][1:]
    return [
        replace(cue, start_ms=start_ms, end_ms=_end(cue, start_ms, next_ms))
        for cue, start_ms, next_ms in zip(ordered, starts, nexts, strict=True)
    ]


def _start(cue: Cue, before: tuple[Cue, int] | None, latest_ms: int) -> int:
    """When a cue begins: where people talk at once, after the one before could be read."""
    if before is None:
        return max(0, min(cue.start_ms, latest_ms))
    previous, began_ms = before
    read_ms = min(began_ms + LEAST_MS, previous.end_ms, cue.end_ms - 1)
    return max(began_ms + 1, min(max(cue.start_ms, read_ms), latest_ms))


def _end(cue: Cue, start_ms: int, next_ms: int) -> int:
    """When a cue ends: not too soon, not too late, and before the next."""
    wanted_ms = max(cue.end_ms, start_ms + LEAST_MS)
    return max(start_ms + 1, min(wanted_ms, start_ms + MOST_MS, next_ms))
