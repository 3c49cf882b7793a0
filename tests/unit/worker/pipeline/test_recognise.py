"""A doubtful text is looked at again in pieces, and kept where that does not help."""

from collections.abc import Sequence

import numpy as np
import pytest

from funasr_fleet.worker.engine.interface import Clip
from funasr_fleet.worker.pipeline.recognise import join_recognitions, retry_suspect_clips
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import Span
from tests.support.examples import a_word

CLIP = Clip(Span(1000, 7000), np.ones(6 * 16_000, np.float32))
LOOP = Recognition(text="thank you for watching " * 12)


def _say(*texts: str) -> "Saying":
    return Saying([Recognition(text=text, words=(a_word(text, 0, 90),)) for text in texts])


class Saying:
    """Answers in this order, and remembers what it was asked."""

    def __init__(self, answers: list[Recognition]) -> None:
        self.answers = answers
        self.asked: list[Span] = []

    def __call__(self, clips: Sequence[Clip]) -> list[Recognition]:
        self.asked += [clip.span for clip in clips]
        return self.answers[: len(clips)]


@pytest.mark.parametrize("doubtful", [LOOP, Recognition(text="")])
def test_what_is_better_in_pieces_is_kept(doubtful: Recognition) -> None:
    saying = _say("hello", "there")
    better = retry_suspect_clips({CLIP: doubtful}, saying)
    assert better[CLIP].text == "hello there"
    assert [word.start_ms for word in better[CLIP].words or ()][1] == (
        saying.asked[1].start_ms - 1000
    )
    assert [saying.asked[0].start_ms, saying.asked[-1].end_ms] == [1000, 7000]


def test_what_is_no_better_is_left_as_it_was() -> None:
    assert retry_suspect_clips({CLIP: LOOP}, _say(LOOP.text, LOOP.text)) == {}


def test_what_is_sound_or_too_short_is_not_looked_at() -> None:
    short = Clip(Span(0, 1500), np.ones(24_000, np.float32))
    saying = _say()
    assert retry_suspect_clips({CLIP: Recognition(text="hello there"), short: LOOP}, saying) == {}
    assert saying.asked == []


def test_pieces_are_joined_with_the_mean_of_their_confidence() -> None:
    said = [
        Recognition(text="one", confidence=0.5, events=("laughter",)),
        Recognition(text="two three", confidence=1.0, language="en", events=("laughter", "bgm")),
    ]
    joined = join_recognitions([CLIP, CLIP], said)
    assert (joined.text, joined.confidence, joined.language) == ("one two three", 0.75, "en")
    assert joined.events == ("laughter", "bgm")
    assert joined.words is None
