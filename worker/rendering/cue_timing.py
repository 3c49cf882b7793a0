"""When cues are shown: one at a time, in the order of their speech, each long enough to be read.

Where people talk at once, a cue stays until it can be read, at most until it is said, and the next
one follows: none is shown twice, and none beside another. Where cues are too short, the next ones
begin a little later. A cue is less than LEAST_MS on the screen only where nothing can make room.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from worker.rendering.lines import columns

MOST_MS = 7_000
"""Of a cue: Netflix's Timed Text Style Guide."""
LEAST_MS = 833
"""Of a cue: 5/6 s, Netflix's Timed Text Style Guide."""
COLUMNS_A_SECOND = 20
"""What adults read: Netflix's Timed Text Style Guide for English."""
LATEST_MS = 5_000
"""After it is said a cue is still shown: two full lines before it are read in 4.2 s."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What is on the screen for a while."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    """One or two."""
    speaker: str | None = None


def one_at_a_time(cues: Sequence[Cue], audio_ms: int) -> list[Cue]:
    """Cues in order of time, none overlapping, each long enough to be read where there is room.

    Args:
        cues: with the times at which they are said.
        audio_ms: end of the audio, after which none is shown.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    starts: list[int] = []
    for number, latest_ms in enumerate(_latest_starts(ordered, audio_ms)):
        earliest_ms = ordered[number].start_ms
        if starts:
            earliest_ms = max(earliest_ms, starts[-1] + _stay_ms(ordered[number - 1], starts[-1]))
        starts.append(max(min(earliest_ms, latest_ms), starts[-1] + 1 if starts else 0))
    nexts = [*starts, audio_ms][1:]
    return [
        replace(cue, start_ms=start_ms, end_ms=_end(cue, start_ms, next_ms))
        for cue, start_ms, next_ms in zip(ordered, starts, nexts, strict=True)
    ]


def _latest_starts(ordered: Sequence[Cue], audio_ms: int) -> list[int]:
    """Until when each may wait, so that those after it have time: never before it is said."""
    latest: list[int] = []
    following_ms = audio_ms
    for rest, cue in enumerate(reversed(ordered), 1):
        waiting_ms = min(following_ms - LEAST_MS, cue.start_ms + LATEST_MS)
        following_ms = min(max(cue.start_ms, waiting_ms), audio_ms - rest)
        latest.append(following_ms)
    return latest[::-1]


def _stay_ms(cue: Cue, start_ms: int) -> int:
    """How long a cue keeps the next one waiting."""
    return max(LEAST_MS, min(_reading_ms(cue), cue.end_ms - start_ms))


def _reading_ms(cue: Cue) -> int:
    return 1000 * sum(map(columns, cue.lines)) // COLUMNS_A_SECOND


def _end(cue: Cue, start_ms: int, next_ms: int) -> int:
    """When a cue ends: after what was said and could be read, not too late, before the next."""
    read_ms = start_ms + min(_reading_ms(cue), cue.end_ms - cue.start_ms)
    wanted_ms = max(cue.end_ms, read_ms, start_ms + LEAST_MS)
    return max(start_ms + 1, min(wanted_ms, start_ms + MOST_MS, next_ms))
