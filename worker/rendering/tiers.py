"""A transcript as tiers of intervals: each tier covers the audio from 0 to its end without overlap.

Praat refuses a tier whose intervals overlap, leave gaps, or last no time.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contract.transcript import Segment, Transcript
from worker.planning.words import join_texts
from worker.rendering.asked import audio_ms, speakers_of


class Interval(NamedTuple):
    """A stretch of a tier; without text it is silence."""

    start_ms: int
    end_ms: int
    text: str


class Tier(NamedTuple):
    """A name, and intervals that touch."""

    name: str
    intervals: list[Interval]


def make_tiers(transcript: Transcript) -> list[Tier]:
    """Tiers "segments" and, where there are words, "words"; for each speaker if there are several.

    Those of a speaker have the label after the name.
    """
    end_ms = max(1, audio_ms(transcript))
    if len(speakers_of(transcript)) < 2:
        return list(_tiers("", transcript.segments, end_ms))
    speakers = dict.fromkeys(segment.speaker for segment in transcript.segments)
    tiers: list[Tier] = []
    for speaker in speakers:
        own = [segment for segment in transcript.segments if segment.speaker == speaker]
        tiers += _tiers(f" {speaker}" if speaker else "", own, end_ms)
    return tiers


def _tiers(suffix: str, segments: Iterable[Segment], end_ms: int) -> Iterator[Tier]:
    texts = [Interval(one.start_ms, one.end_ms, one.text) for one in segments]
    yield Tier(f"segments{suffix}", list(_covering(_apart(texts, end_ms), end_ms)))
    words = [
        Interval(word.start_ms, word.end_ms, word.text)
        for segment in segments
        for word in segment.words or ()
    ]
    if words:
        yield Tier(f"words{suffix}", list(_covering(_apart(words, end_ms), end_ms)))


def _apart(intervals: list[Interval], end_ms: int) -> list[Interval]:
    """Intervals that last and do not overlap; what finds no room is said with the one before."""
    apart: list[Interval] = []
    for start_ms, stop_ms, text in sorted(intervals, key=lambda one: one.start_ms):
        begin_ms = max(start_ms, apart[-1].end_ms if apart else 0)
        if begin_ms < end_ms:
            apart.append(Interval(begin_ms, min(max(stop_ms, begin_ms + 1), end_ms), text))
        elif apart:
            apart[-1] = apart[-1]._replace(text=join_texts([apart[-1].text, text]))
        else:
            apart.append(Interval(end_ms - 1, end_ms, text))
    return apart


def _covering(intervals: list[Interval], end_ms: int) -> Iterator[Interval]:
    """The same with silence between them."""
    now_ms = 0
    for interval in intervals:
        if interval.start_ms > now_ms:
            yield Interval(now_ms, interval.start_ms, "")
        yield interval
        now_ms = interval.end_ms
    if now_ms < end_ms:
        yield Interval(now_ms, end_ms, "")
