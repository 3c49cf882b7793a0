"""Clips have the requested lengths; suspect texts are recognised again in pieces."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from funasr_fleet.contract.job import Options
from funasr_fleet.worker.engine.interface import Clip, Samples
from funasr_fleet.worker.pipeline.recognise import join_recognitions, retry_suspect_clips
from funasr_fleet.worker.pipeline.vad import SegmentLengthFilter, SegmentLimits, cut_clip
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import Span
from tests.support.examples import a_word

AUDIO = np.arange(20 * 16_000, dtype=np.float32)
"""The value of each sample is its index."""


@dataclass
class Told:
    """A VAD that returns its spans after each block of audio, or all at the end (`late`)."""

    spans: list[Span]
    late: bool = False
    heard: int = 0
    told: list[Span] = field(default_factory=list)

    def push(self, block: Samples) -> list[Clip]:
        self.heard += len(block)
        return [] if self.late else self._tell(self.heard // 16)

    def flush(self) -> list[Clip]:
        return self._tell(1 << 30)

    def _tell(self, until_ms: int) -> list[Clip]:
        new = [one for one in self.spans if one.end_ms <= until_ms and one not in self.told]
        self.told += new
        return [Clip(one, AUDIO[one.samples]) for one in new]


def _clips(spans: list[Span], *, late: bool = False, **asked: float) -> list[Clip]:
    lengths = SegmentLimits.of(Options.model_validate(asked), 600.0)
    listener = SegmentLengthFilter(Told(spans, late), lengths)
    blocks = (AUDIO[at : at + 80_000] for at in range(0, len(AUDIO), 80_000))
    return [clip for block in blocks for clip in listener.push(block)] + listener.flush()


SPANS = [Span(100, 1000), Span(1500, 4900), Span(5600, 7000), Span(9000, 19_000)]


def test_without_limits_speech_is_unchanged() -> None:
    assert [clip.span for clip in _clips(SPANS)] == SPANS


@pytest.mark.parametrize(
    ("merge_seconds", "spans"),
    [
        (30, [Span(100, 7000), Span(9000, 19_000)]),  # two seconds of silence are too many
        (5, [Span(100, 4900), Span(5600, 7000), Span(9000, 19_000)]),
        (0.1, SPANS),
    ],
)
def test_near_speech_is_merged_with_the_audio_between(
    merge_seconds: float, spans: list[Span]
) -> None:
    clips = _clips(SPANS, merge_seconds=merge_seconds)
    assert [clip.span for clip in clips] == spans
    assert all(np.array_equal(clip.samples, AUDIO[clip.span.samples]) for clip in clips)


def test_speech_that_is_detected_at_the_end_is_merged() -> None:
    clips = _clips(SPANS, merge_seconds=30, late=True)
    assert [clip.span for clip in clips] == [Span(100, 7000), Span(9000, 19_000)]
    assert all(len(clip.samples) == 16 * clip.span.length_ms for clip in clips)


def test_long_speech_is_cut_and_nothing_is_lost() -> None:
    clips = _clips(SPANS, max_segment_seconds=3)
    assert max(clip.span.length_ms for clip in clips) <= 3000
    said = np.concatenate([clip.samples for clip in clips])
    assert np.array_equal(said, np.concatenate([AUDIO[span.samples] for span in SPANS]))


def test_merged_speech_is_never_longer_than_the_maximum() -> None:
    lengths = SegmentLimits.of(Options(merge_seconds=60), 30.0)
    assert (lengths.merge_ms, lengths.longest_ms) == (30_000, 30_000)
    asked = SegmentLimits.of(Options(max_segment_seconds=20), 30.0)
    assert (asked.merge_ms, asked.longest_ms) == (None, 20_000)


def test_pieces_of_a_clip_keep_their_position() -> None:
    pieces = cut_clip(Clip(Span(1000, 5000), AUDIO[16_000:80_000]), 1500)
    assert pieces[0].span.start_ms == 1000
    assert pieces[-1].span.end_ms == 5000
    assert all(np.array_equal(one.samples, AUDIO[one.span.samples]) for one in pieces)


CLIP = Clip(Span(1000, 7000), np.ones(6 * 16_000, np.float32))
LOOP = Recognition(text="thank you for watching " * 12)


def _say(*texts: str) -> "Saying":
    return Saying([Recognition(text=text, words=(a_word(text, 0, 90),)) for text in texts])


class Saying:
    """A recogniser that returns the given results and records the spans of its clips."""

    def __init__(self, answers: list[Recognition]) -> None:
        self.answers = answers
        self.asked: list[Span] = []

    def __call__(self, clips: Sequence[Clip]) -> list[Recognition]:
        self.asked += [clip.span for clip in clips]
        return self.answers[: len(clips)]


@pytest.mark.parametrize("doubtful", [LOOP, Recognition(text="")])
def test_a_better_text_from_pieces_is_kept(doubtful: Recognition) -> None:
    saying = _say("hello", "there")
    better = retry_suspect_clips({CLIP: doubtful}, saying)
    assert better[CLIP].text == "hello there"
    assert [word.start_ms for word in better[CLIP].words or ()][1] == (
        saying.asked[1].start_ms - 1000
    )
    assert [saying.asked[0].start_ms, saying.asked[-1].end_ms] == [1000, 7000]


def test_a_text_that_does_not_improve_is_unchanged() -> None:
    assert retry_suspect_clips({CLIP: LOOP}, _say(LOOP.text, LOOP.text)) == {}


def test_good_or_short_clips_are_not_recognised_again() -> None:
    short = Clip(Span(0, 1500), np.ones(24_000, np.float32))
    saying = _say()
    assert retry_suspect_clips({CLIP: Recognition(text="hello there"), short: LOOP}, saying) == {}
    assert saying.asked == []


def test_a_clip_without_speech_is_not_recognised_again() -> None:
    removed = Recognition(text="", probably_no_speech=True, left_out="Thank you.")
    saying = _say("Thank", "you.")
    assert retry_suspect_clips({CLIP: removed}, saying) == {}
    assert saying.asked == []


def test_text_left_out_of_a_piece_is_recorded() -> None:
    pieces = [CLIP, CLIP]
    said = [Recognition(text="hello"), Recognition(text="", left_out="you")]
    assert join_recognitions(pieces, said).left_out == "you"


def test_pieces_are_joined_with_the_mean_of_their_confidence() -> None:
    said = [
        Recognition(text="one", confidence=0.5, events=("laughter",)),
        Recognition(text="two three", confidence=1.0, language="en", events=("laughter", "bgm")),
    ]
    joined = join_recognitions([CLIP, CLIP], said)
    assert (joined.text, joined.confidence, joined.language) == ("one two three", 0.75, "en")
    assert joined.events == ("laughter", "bgm")
    assert joined.words is None
