"""A transcript as tiers of intervals; each tier covers the whole audio without overlap.

Praat rejects a tier whose intervals overlap, leave gaps, or have zero length.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.requested import audio_ms, speakers_of
from funasr_fleet.worker.text.tokens import join_texts


class Interval(NamedTuple):
    """An interval of a tier; an empty text is silence."""

    start_ms: int
    end_ms: int
    text: str


class Tier(NamedTuple):
    """A name, and adjacent intervals."""

    name: str
    intervals: list[Interval]


def make_tiers(transcript: Transcript) -> list[Tier]:
    """Build the tiers "segments" and, if there are words, "words".

    If there are several speakers, each has its own tiers, such as "segments 0".
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
    yield Tier(f"segments{suffix}", list(_with_silence(_without_overlap(texts, end_ms), end_ms)))
    words = [
        Interval(word.start_ms, word.end_ms, word.text)
        for segment in segments
        for word in segment.words or ()
    ]
    if words:
        yield Tier(f"words{suffix}", list(_with_silence(_without_overlap(words, end_ms), end_ms)))


def _without_overlap(intervals: list[Interval], end_ms: int) -> list[Interval]:
    """Intervals of positive length without overlap; text without room joins the previous one."""
    result: list[Interval] = []
    for start_ms, stop_ms, text in sorted(intervals, key=lambda one: one.start_ms):
        begin_ms = max(start_ms, result[-1].end_ms if result else 0)
        if begin_ms < end_ms:
            result.append(Interval(begin_ms, min(max(stop_ms, begin_ms + 1), end_ms), text))
        elif result:
            result[-1] = result[-1]._replace(text=join_texts([result[-1].text, text]))
        else:
            result.append(Interval(end_ms - 1, end_ms, text))
    return result


def _with_silence(intervals: list[Interval], end_ms: int) -> Iterator[Interval]:
    """The intervals, with silence in the gaps."""
    now_ms = 0
    for interval in intervals:
        if interval.start_ms > now_ms:
            yield Interval(now_ms, interval.start_ms, "")
        yield interval
        now_ms = interval.end_ms
    if now_ms < end_ms:
        yield Interval(now_ms, end_ms, "")
