"""Spans of speech, and audio that is split at quiet points."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from funasr_fleet.worker.text.silence_split import NEAR_MS, cut_quietest, may_merge
from funasr_fleet.worker.text.spans import SAMPLE_RATE, SAMPLES_PER_MS, Span, clamp


def noise(length_ms: int, quiet: list[tuple[int, int]] | None = None) -> NDArray[np.float32]:
    """Loud noise with the given quiet ranges (start and end in ms)."""
    loud = np.random.default_rng(7).uniform(-1, 1, length_ms * SAMPLES_PER_MS).astype(np.float32)
    for start_ms, end_ms in quiet or []:
        loud[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS] *= 0.01
    return loud


def test_each_cut_lies_in_the_pause() -> None:
    pauses = [(2_500, 2_700), (4_600, 4_800)]
    pieces = cut_quietest(noise(7_000, pauses), 3_000)
    assert [start for start, _ in pieces] == pytest.approx([0, 2_600, 4_700], abs=40)
    assert pieces[-1][1] == 7_000


def test_a_pause_too_early_does_not_make_a_short_piece() -> None:
    (_, first_ms), *_ = cut_quietest(noise(5_000, [(500, 900)]), 3_000)
    assert 2_000 <= first_ms <= 3_000


def test_the_longer_pause_is_taken_before_one_that_is_only_a_closure() -> None:
    (_, first_ms), *_ = cut_quietest(noise(5_000, [(2_200, 2_230), (2_600, 2_800)]), 3_000)
    assert 2_600 <= first_ms <= 2_800


def test_silence_is_cut_into_pieces_of_the_maximum_length() -> None:
    assert cut_quietest(np.zeros(160_000, np.float32), 4_000) == [
        (0, 4_000),
        (4_000, 8_000),
        (8_000, 10_000),
    ]
    assert cut_quietest(np.zeros(16 * 4_100, np.float32), 4_000)[0] == (0, 4_100 - 4_000 // 3)


@pytest.mark.parametrize(
    ("count", "pieces"), [(0, []), (15, []), (16, [(0, 1)]), (16_007, [(0, 1_000)])]
)
def test_short_audio_is_not_cut(count: int, pieces: list[tuple[int, int]]) -> None:
    assert cut_quietest(np.ones(count, np.float32), 1_000) == pieces


@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 900), st.integers(0, 99))
def test_pieces_tile_the_audio_and_none_is_too_long_or_too_short(
    length_ms: int, longest_ms: int, seed: int
) -> None:
    samples = np.random.default_rng(seed).normal(size=length_ms * SAMPLES_PER_MS + seed % 16)
    pieces = cut_quietest(samples.astype(np.float32), longest_ms)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == length_ms
    for before, after in itertools.pairwise(pieces):
        assert before[1] == after[0]
    lengths = [end - start for start, end in pieces]
    assert max(lengths) <= longest_ms
    assert len(pieces) == 1 or min(lengths) >= max(1, longest_ms // 3)


def test_a_maximum_length_of_zero_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 ms"):
        cut_quietest(np.zeros(160, np.float32), 0)


@pytest.mark.timeout(60)
def test_ten_minutes_are_cut() -> None:
    samples = noise(600_000)
    assert len(cut_quietest(samples, 30_000)) >= 20


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ((0, 4), (5, 9), True),
        ((0, 4), (6, 10), True),
        ((0, 4), (7, 9), False),
        ((0, 4), (5, 11), False),
        ((0, 9), (4, 8), True),
    ],
)
def test_near_spans_are_merged_up_to_the_maximum_length(
    one: tuple[int, int], other: tuple[int, int], together: bool
) -> None:
    assert may_merge(Span(*one), Span(*other), longest_ms=10, gap_ms=2) is together


def test_by_default_a_pause_of_a_second_is_near() -> None:
    assert may_merge(Span(0, 100), Span(100 + NEAR_MS, 2_000), 30_000)
    assert not may_merge(Span(0, 100), Span(101 + NEAR_MS, 2_000), 30_000)
    assert not may_merge(Span(0, 100), Span(200, 30_001), 30_000)


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
def test_spans_are_clamped_to_the_audio(span: Span, within: Span | None) -> None:
    assert clamp(span, 100) == within


@given(st.integers(-50, 150), st.integers(-50, 150), st.integers(0, 100))
def test_a_clamped_span_is_never_empty_and_never_outside(start: int, end: int, length: int) -> None:
    kept = clamp(Span(start, end), length)
    assert kept is None or 0 <= kept.start_ms < kept.end_ms <= length
