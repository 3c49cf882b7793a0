"""Lines of a cue: their width, and where they are broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.worker.rendering.spoken import SAID, squeezed, unhurried
from worker.planning.aligning import split_pieces
from worker.rendering.lines import MOST_COLUMNS, columns, lay_out


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("three", 5),
        ("你好", 4),
        ("\uff21\uff0c", 4),
        ("cafe\u0301", 4),
        ("한국", 4),
        ("é", 1),
    ],
)
def test_wide_characters_take_two_columns(text: str, width: int) -> None:
    assert columns(text) == width


def _lines(text: str, lead: int = 0) -> tuple[str, ...]:
    return lay_out(split_pieces(text), lead)


def test_what_fits_in_a_line_stays_in_it() -> None:
    assert _lines("你" * 21) == ("你" * 21,)
    assert _lines("a" * 20 + " " + "b" * 21) == ("a" * 20 + " " + "b" * 21,)


def test_two_lines_are_about_equally_long_and_the_lower_rather_longer() -> None:
    upper, lower = _lines("one two three four five six seven eight nine ten")
    assert (upper, lower) == ("one two three four five", "six seven eight nine ten")
    assert _lines("你" * 23) == ("你" * 11, "你" * 12)


def test_a_line_is_broken_after_a_stop_rather_than_in_the_very_middle() -> None:
    assert _lines("We went to the house, and nobody was there then.")[0] == "We went to the house,"


def test_a_word_that_is_too_wide_is_left_whole() -> None:
    assert _lines("x" * 60) == ("x" * 60,)
    assert _lines(f"short {'x' * 60}") == ("short", "x" * 60)


def test_the_space_after_a_line_takes_no_room() -> None:
    assert lay_out([f"{'x' * 42} ", "y " * 20, "zz "]) == ("x" * 42, "y " * 20 + "zz")


def test_what_comes_before_the_first_line_makes_it_shorter() -> None:
    upper, lower = _lines("one two three four five six seven", lead=20)
    assert columns(upper) <= MOST_COLUMNS - 20
    assert f"{upper} {lower}" == "one two three four five six seven"


@given(st.lists(st.sampled_from(SAID), min_size=1, max_size=8), st.integers(0, 20))
@unhurried
def test_laying_out_loses_nothing(said: list[str], lead: int) -> None:
    text = " ".join(" ".join(said).split())
    pieces = split_pieces(text)
    if not text or columns(text) > MOST_COLUMNS - lead:
        return
    assert squeezed(*lay_out(pieces, lead)) == squeezed(text)
