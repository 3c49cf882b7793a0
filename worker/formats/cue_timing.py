"""Display times of cues: one at a time, in order of speech, each long enough to be read.

When speakers overlap, a cue is shown until it can be read, but not beyond the end of its speech;
then the next cue follows. Cues are never shown twice or at the same time. After a cue that is too
short, the next ones are delayed slightly. A cue is shown for less than LEAST_MS only if no delay
can make room.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from funasr_fleet.worker.formats.lines import columns

MOST_MS = 7_000
"""Maximum length of a cue: Netflix's Timed Text Style Guide."""
LEAST_MS = 833
"""Minimum length of a cue, 5/6 s: Netflix's Timed Text Style Guide."""
COLUMNS_A_SECOND = 20
"""Reading speed of adults: Netflix's Timed Text Style Guide for English."""
LATEST_MS = 5_000
"""Maximum delay of a cue, enough to read two full lines of the previous cue, which takes 4.2 s."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """A subtitle with its display times."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    """One or two."""
    speaker: str | None = None


def one_at_a_time(cues: Sequence[Cue], audio_ms: int) -> list[Cue]:
    """Cues in order of time without overlap, each long enough to be read if there is room.

    Args:
        cues: cues with the times of their speech.
        audio_ms: end of the audio; no cue is shown after it.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    starts: list[int] = []
    for number, latest_ms in enumerate(_latest_starts(ordered, audio_ms)):
        earliest_ms = ordered[number].start_ms
        if starts:
            earliest_ms = max(
                earliest_ms, starts[-1] + _min_display_ms(ordered[number - 1], starts[-1])
            )
        starts.append(max(min(earliest_ms, latest_ms), starts[-1] + 1 if starts else 0))
    nexts = [*starts, audio_ms][1:]
    return [
        replace(cue, start_ms=start_ms, end_ms=_end(cue, start_ms, next_ms))
        for cue, start_ms, next_ms in zip(ordered, starts, nexts, strict=True)
    ]


def _latest_starts(ordered: Sequence[Cue], audio_ms: int) -> list[int]:
    """Latest start of each cue that leaves time for the later ones.

    A cue starts before its speech only if the audio ends too soon to show the remaining cues.
    """
    latest: list[int] = []
    following_ms = audio_ms
    for cues_from_here, cue in enumerate(reversed(ordered), 1):
        delayed_ms = min(following_ms - LEAST_MS, cue.start_ms + LATEST_MS)
        following_ms = min(max(cue.start_ms, delayed_ms), audio_ms - cues_from_here)
        latest.append(following_ms)
    return latest[::-1]


def _min_display_ms(cue: Cue, start_ms: int) -> int:
    """Time in ms for which a cue is shown before the next one may replace it."""
    return max(LEAST_MS, min(_reading_ms(cue), cue.end_ms - start_ms))


def _reading_ms(cue: Cue) -> int:
    return 1000 * sum(map(columns, cue.lines)) // COLUMNS_A_SECOND


def _end(cue: Cue, start_ms: int, next_ms: int) -> int:
    """End of a cue: when its speech has ended and it could be read.

    It ends earlier when it has been shown for MOST_MS, or when the next cue begins.
    """
    read_ms = start_ms + min(_reading_ms(cue), cue.end_ms - cue.start_ms)
    wanted_ms = max(cue.end_ms, read_ms, start_ms + LEAST_MS)
    return max(start_ms + 1, min(wanted_ms, start_ms + MOST_MS, next_ms))
