"""Recognised spans become segments with absolute times, in order."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.text.segments import Recognition, assemble_segments, whole_text
from funasr_fleet.worker.text.spans import Span
from funasr_fleet.worker.text.tokens import split_words
from tests.support.examples import a_word

GAPS = st.integers(0, 500)
WORDS = st.lists(
    st.builds(
        Word,
        text=st.sampled_from(["one", "two", "三"]),
        start_ms=st.integers(-100, 900),
        end_ms=st.integers(-100, 900),
    ),
    max_size=5,
)


@st.composite
def heard(draw: st.DrawFn) -> list[tuple[Span, Recognition]]:
    """Ordered spans without overlap, each with recognised words or none."""
    found, at_ms = [], 0
    for words in draw(st.lists(WORDS, max_size=6)):
        start_ms = at_ms + draw(GAPS)
        at_ms = start_ms + draw(st.integers(1, 800))
        text = " ".join(word.text for word in words)
        found.append((Span(start_ms, at_ms), Recognition(text=text, words=tuple(words))))
    return found


@given(heard(), st.integers(0, 100_000))
def test_segments_are_in_order_and_words_inside_their_segment(
    said: list[tuple[Span, Recognition]], offset_ms: int
) -> None:
    spans, recognitions = [one[0] for one in said], [one[1] for one in said]
    segments = assemble_segments(spans, recognitions, offset_ms=offset_ms, with_words=True)
    for before, after in itertools.pairwise(segments):
        assert before.end_ms <= after.start_ms
    for segment in segments:
        assert offset_ms <= segment.start_ms < segment.end_ms
        times = [t for word in segment.words or () for t in (word.start_ms, word.end_ms)]
        assert times == sorted(times)
        assert all(segment.start_ms <= ms <= segment.end_ms for ms in times)


@given(heard())
def test_every_recognised_word_is_in_the_text_once_and_in_order(
    said: list[tuple[Span, Recognition]],
) -> None:
    spans, recognitions = [one[0] for one in said], [one[1] for one in said]
    segments = assemble_segments(spans, recognitions, offset_ms=0, with_words=False)
    assert split_words(whole_text(segments)) == [
        word for recognition in recognitions for word in split_words(recognition.text)
    ]
    assert all(segment.text for segment in segments)


def test_times_count_from_the_beginning_of_the_file() -> None:
    recognition = Recognition(text="three", words=(a_word("three", 10, 290),))
    (segment,) = assemble_segments(
        [Span(500, 1500)], [recognition], offset_ms=60_000, with_words=True
    )
    assert (segment.start_ms, segment.end_ms) == (60_500, 61_500)
    assert segment.words == (a_word("three", 60_510, 60_790),)


def test_spans_in_disorder_come_out_in_order_with_their_own_text() -> None:
    spans = [Span(2000, 3000), Span(0, 1000)]
    recognitions = [Recognition(text="second"), Recognition(text="first")]
    segments = assemble_segments(spans, recognitions, offset_ms=0, with_words=False)
    assert [(s.start_ms, s.text) for s in segments] == [(0, "first"), (2000, "second")]


@pytest.mark.parametrize("text", ["", "   "])
def test_a_span_without_text_is_dropped(text: str) -> None:
    spans = [Span(0, 10), Span(20, 30)]
    recognitions = [Recognition(text=text), Recognition(text=" said ")]
    (segment,) = assemble_segments(spans, recognitions, offset_ms=0, with_words=False)
    assert (segment.start_ms, segment.text) == (20, "said")


def test_words_are_present_only_when_requested_and_known() -> None:
    known = Recognition(text="a", words=(a_word("a", 0, 5),))
    unknown = Recognition(text="a", words=None)
    for recognition, with_words in [(known, False), (unknown, True)]:
        (segment,) = assemble_segments(
            [Span(0, 10)], [recognition], offset_ms=0, with_words=with_words
        )
        assert segment.words is None


@pytest.mark.parametrize(
    ("reported", "shown"),
    [("jw", "jv"), ("tl", "fil"), ("Chinese", "zh"), ("zh", "zh"), ("qaa", "qaa"), (None, None)],
)
def test_a_reported_language_is_shown_by_its_code(reported: str | None, shown: str | None) -> None:
    (segment,) = assemble_segments(
        [Span(0, 10)], [Recognition(text="a", language=reported)], offset_ms=0, with_words=False
    )
    assert segment.language == shown


def test_a_span_without_a_recognition_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        assemble_segments(
            [Span(0, 1), Span(2, 3)], [Recognition(text="a")], offset_ms=0, with_words=False
        )


def test_events_without_words_go_to_the_neighbouring_segment() -> None:
    spans = [Span(0, 10), Span(20, 30), Span(40, 50), Span(60, 70)]
    heard = [
        Recognition(text="", events=("bgm",)),
        Recognition(text="one", events=("laughter",)),
        Recognition(text="", events=("laughter", "cough")),
        Recognition(text="two"),
    ]
    segments = assemble_segments(spans, heard, offset_ms=0, with_words=False)
    assert [one.events for one in segments] == [("bgm", "laughter", "cough"), ()]
