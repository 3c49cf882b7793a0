"""Praat's TextGrid, in its long text format (Praat manual, "TextGrid file formats").

Praat rejects a tier whose intervals overlap, leave gaps, or have zero length: each tier covers the
whole audio without overlap.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from funasr_fleet.contract.transcript import Segment, Transcript
from funasr_fleet.worker.formats.fields import audio_ms, decimal_seconds, speakers_of
from funasr_fleet.worker.formats.interface import Renderer
from funasr_fleet.worker.text.tokens import join_texts


class Interval(NamedTuple):
    """An interval of a tier; an empty text is silence."""

    start_ms: int
    end_ms: int
    text: str


class Tier(NamedTuple):
    """A named list of adjacent intervals that cover the whole audio."""

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
    """Intervals of positive length without overlap; text that does not fit joins the one before."""
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


def render_textgrid(transcript: Transcript) -> bytes:
    """Render as UTF-8: the interval tiers of make_tiers."""
    tiers = make_tiers(transcript)
    end = decimal_seconds(tiers[0].intervals[-1].end_ms)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, tier in enumerate(tiers, 1):
        lines += [f"    item [{number}]:", *_tier(tier, end)]
    return "".join(f"{line}\n" for line in lines).encode()


def _tier(tier: Tier, end: str) -> Iterator[str]:
    yield '        class = "IntervalTier"'
    yield f"        name = {_quoted(tier.name)}"
    yield "        xmin = 0"
    yield f"        xmax = {end}"
    yield f"        intervals: size = {len(tier.intervals)}"
    for number, interval in enumerate(tier.intervals, 1):
        yield f"        intervals [{number}]:"
        yield f"            xmin = {decimal_seconds(interval.start_ms)}"
        yield f"            xmax = {decimal_seconds(interval.end_ms)}"
        yield f"            text = {_quoted(interval.text)}"


def _quoted(text: str) -> str:
    """A quoted string on one line, with doubled quotation marks."""
    return '"' + " ".join(text.split()).replace('"', '""') + '"'


TEXTGRID = Renderer(
    extension="TextGrid", content_type="text/plain; charset=utf-8", render=render_textgrid
)
