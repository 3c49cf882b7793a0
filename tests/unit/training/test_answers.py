"""How far an answer is from the truth: words, boundaries, word times."""

import pytest

from training.boundaries import boundary_errors, word_time_errors
from training.word_errors import WordErrors, word_errors, words_of


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [
        ("one two three", "one two three", 0),
        ("one two three", "one three", 1),
        ("one two three", "one two two three", 1),
        ("one two three", "one five three", 1),
        ("one two three", "", 3),
        ("一七零", "一 七 零", 0),
        ("一七零", "一零七", 2),
        ("", "one", 1),
    ],
)
def test_errors_are_the_fewest_edits(reference: str, hypothesis: str, errors: int) -> None:
    assert word_errors(reference, hypothesis).errors == errors


def test_every_han_digit_is_a_word() -> None:
    assert words_of("一七 零one") == ["一", "七", "零", "one"]


def test_rates_add_up_over_utterances() -> None:
    total = word_errors("one two", "one") + word_errors("three four", "three four")
    assert total == WordErrors(1, 4)
    assert total.rate == 0.25


def test_a_missed_utterance_is_not_within_any_limit() -> None:
    errors = boundary_errors([(500, 900), (500, 900)], [[(400, 1000)], []])
    assert errors.missed == 1
    assert errors.within(150) == 0.5


def test_the_outer_boundaries_of_a_cut_utterance_count() -> None:
    errors = boundary_errors([(500, 2000)], [[(450, 1000), (1400, 2300)]])
    assert (errors.starts_ms, errors.ends_ms) == ((-50,), (300,))
    assert errors.within(150) == 0.0
    assert errors.within(300) == 1.0


def test_word_times_are_compared_start_and_end_in_turn() -> None:
    assert word_time_errors([(100, 200), (300, 400)], [(110, 190), (300, 450)]) == [10, -10, 0, 50]


def test_word_times_of_another_count_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        word_time_errors([(100, 200)], [])


def test_a_detector_that_finds_nothing_still_has_a_summary() -> None:
    summary = boundary_errors([(500, 900)], [[]]).summary()
    assert (summary["missed"], summary["both_within_150_percent"]) == (1, 0.0)
