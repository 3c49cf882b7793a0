"""Selection of windows to cluster, nearest centres, order of speakers, and speaker turns."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funasr_fleet.worker.text.spans import Span
from funasr_fleet.worker.text.speakers import (
    Turn,
    centroids,
    choose,
    fill_unclustered,
    nearest,
    nonzero_mask,
    renumber,
    speaker_at,
    split_turns,
    turns,
)
from tests.support.examples import a_segment, a_word

SPEAKERS = st.lists(st.sampled_from("ABC"), min_size=1, max_size=40)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(1, 100))
def test_chosen_windows_are_spread_evenly_and_sorted(count: int, most: int) -> None:
    chosen = choose(np.ones(count), most)
    assert len(chosen) == min(count, most)
    assert list(chosen) == sorted(set(chosen.tolist()))
    widest = int(np.diff(np.concatenate([[-1], chosen, [count]])).max())
    assert widest <= max(1, 2 * -(-count // most))
    assert list(chosen) == list(choose(np.ones(count), most))


def test_the_heaviest_window_of_each_part_is_chosen() -> None:
    assert list(choose(np.array([1.0, 3, 2, 0, 0, 5, 9, 8, 1]), 3)) == [1, 5, 6]


@pytest.mark.parametrize("period", [2, 3, 4, 5])
def test_alternating_speakers_are_all_chosen(period: int) -> None:
    chosen = choose(np.ones(1000 * period), 1000)
    shares = np.bincount(chosen % period) / 1000
    assert shares == pytest.approx([1 / period] * period, abs=0.1)


def test_rows_of_zeros_or_non_finite_values_are_masked() -> None:
    rows = np.array([[1, 0], [0, 0], [np.nan, 1], [1, np.inf], [0, -2]], np.float32)
    assert nonzero_mask(rows).tolist() == [True, False, False, False, True]


def test_rows_are_assigned_by_cosine_similarity() -> None:
    rows = np.array([[1, 0], [3, 0], [0, 1], [0, 9], [5, 4], [-1, 0.1]], np.float32)
    centers = centroids(rows[:4], np.array([0, 0, 1, 1]))
    assert centers.tolist() == [[2, 0], [0, 5]]
    assert nearest(rows, centers).tolist() == [0, 0, 1, 1, 0, 1]


def test_a_zero_centroid_attracts_no_row() -> None:
    centers = np.array([[0, 0], [1, 1]], np.float32)
    assert nearest(np.array([[1, 0]], np.float32), centers).tolist() == [1]


@pytest.mark.parametrize(
    ("labels", "known", "lent"),
    [
        ([1, 0, 2, 0], [1, 1, 1, 1], [1, 0, 2, 0]),
        ([9, 9, 2, 9, 1, 9], [0, 0, 1, 0, 1, 0], [2, 2, 2, 2, 1, 1]),
    ],
)
def test_unclustered_windows_take_the_label_of_their_neighbour(
    labels: list[int], known: list[int], lent: list[int]
) -> None:
    assert fill_unclustered(np.array(labels), np.array(known, bool)).tolist() == lent


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3)))
def test_speakers_are_numbered_as_they_come(labels: list[int]) -> None:
    numbered = renumber(labels)
    assert list(dict.fromkeys(numbered)) == [str(n) for n in range(len(set(labels)))]
    assert len(set(zip(labels, numbered, strict=True))) == len(set(labels))


@pytest.mark.parametrize(
    ("length_ms", "speakers", "expected"),
    [
        (900, "A", [(0, 900, "A")]),
        (1500, "A", [(0, 1500, "A")]),
        (6000, "AAAABBB", [(0, 3375, "A"), (3375, 6000, "B")]),
        (6000, "AAABAAA", [(0, 6000, "A")]),
        (6000, "BAAAAAA", [(0, 1125, "B"), (1125, 6000, "A")]),
        (6000, "AABBCCC", [(0, 1875, "A"), (1875, 3375, "B"), (3375, 6000, "C")]),
        (2000, "AB", [(0, 1000, "A"), (1000, 2000, "B")]),
        (1600, "AB", [(0, 1600, "B")]),
    ],
)
def test_a_span_is_cut_where_the_speaker_changes(
    length_ms: int, speakers: str, expected: list[tuple[int, int, str]]
) -> None:
    cut = turns(Span(5000, 5000 + length_ms), list(speakers))
    assert [(t.span.start_ms - 5000, t.span.end_ms - 5000, t.speaker) for t in cut] == expected


@settings(deadline=None)
@given(SPEAKERS, st.integers(0, 749), st.integers(1, 3000))
def test_turns_cover_the_span_and_none_is_too_short(
    speakers: list[str], more_ms: int, shortest_ms: int
) -> None:
    span = Span(100, 100 + 1500 + 750 * (len(speakers) - 1) - more_ms)
    cut = turns(span, speakers, shortest_ms)
    assert (cut[0].span.start_ms, cut[-1].span.end_ms) == (span.start_ms, span.end_ms)
    for one, other in itertools.pairwise(cut):
        assert one.span.end_ms == other.span.start_ms
        assert one.speaker != other.speaker
    assert len(cut) == 1 or min(turn.span.length_ms for turn in cut) >= shortest_ms
    assert {turn.speaker for turn in cut} <= set(speakers)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "speaker"),
    [(0, 900, "A"), (900, 1300, "B"), (900, 1100, "A"), (0, 3000, "B"), (3500, 3600, "B")],
)
def test_a_sentence_belongs_to_its_longest_speaker(
    start_ms: int, end_ms: int, speaker: str
) -> None:
    cut = [Turn(Span(0, 1000), "A"), Turn(Span(1000, 3000), "B")]
    assert speaker_at(cut, Span(start_ms, end_ms)) == speaker


CUT = [Turn(Span(0, 500), "0"), Turn(Span(500, 1000), "1")]


def test_a_segment_is_split_where_the_speaker_changes() -> None:
    words = (a_word("Hello", 20, 300), a_word("Fine", 560, 700), a_word("thanks", 710, 990))
    segment = a_segment(0, 1000, "Hello. Fine, thanks.").model_copy(update={"words": words})
    first, second = split_turns(segment, CUT)
    assert (first.text, first.speaker, first.words) == ("Hello.", "0", words[:1])
    assert (second.text, second.speaker, second.words) == ("Fine, thanks.", "1", words[1:])
    assert (first.start_ms, first.end_ms, second.start_ms, second.end_ms) == (0, 300, 560, 1000)


def test_a_segment_without_words_belongs_to_its_longest_speaker() -> None:
    (whole,) = split_turns(a_segment(0, 1000, "Hello."), [CUT[0], Turn(Span(500, 1900), "1")])
    assert (whole.text, whole.speaker) == ("Hello.", "0")
    assert split_turns(a_segment(0, 400, "Hello."), CUT[:1])[0].speaker == "0"
