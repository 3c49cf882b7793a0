"""Stretches of speech in milliseconds and in samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.spans import SAMPLE_RATE, Span, clamp


def test_a_second_is_sixteen_thousand_samples() -> None:
    span = Span(1000, 2500)
    assert span.samples == slice(SAMPLE_RATE, 2 * SAMPLE_RATE + SAMPLE_RATE // 2)
    assert span.length_ms == 1500


def test_spans_that_touch_share_no_sample() -> None:
    assert Span(0, 7).samples.stop == Span(7, 9).samples.start


@pytest.mark.parametrize(
    ("span", "within"),
    [
        (Span(10, 20), Span(10, 20)),
        (Span(-5, 20), Span(0, 20)),
        (Span(90, 120), Span(90, 100)),
        (Span(-5, 200), Span(0, 100)),
        (Span(100, 120), None),
        (Span(-9, 0), None),
        (Span(50, 50), None),
        (Span(60, 50), None),
    ],
)
def test_only_what_lies_within_the_audio_is_kept(span: Span, within: Span | None) -> None:
    assert clamp(span, 100) == within


@given(st.integers(-50, 150), st.integers(-50, 150), st.integers(0, 100))
def test_what_is_kept_is_never_empty_and_never_outside(start: int, end: int, length: int) -> None:
    kept = clamp(Span(start, end), length)
    assert kept is None or 0 <= kept.start_ms < kept.end_ms <= length
