"""Lines of a cue: their width, and where they are broken."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from funasr_fleet.worker.formats.cue_cutting import cut
from funasr_fleet.worker.formats.lines import MOST_COLUMNS, columns, lay_out
from funasr_fleet.worker.formats.wide_pieces import narrow
from funasr_fleet.worker.text.alignment import in_proportion, split_pieces
from tests.support.speech import TEXTS, squeezed, unhurried


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


def test_the_space_after_a_line_takes_no_room() -> None:
    assert lay_out([f"{'x' * 42} ", "y " * 20, "zz "]) == ("x" * 42, "y " * 20 + "zz")


def test_what_comes_before_the_first_line_makes_it_shorter() -> None:
    upper, lower = _lines("one two three four five six seven", lead=20)
    assert columns(upper) <= MOST_COLUMNS - 20
    assert f"{upper} {lower}" == "one two three four five six seven"


@given(TEXTS, st.integers(0, 20))
@unhurried
def test_laying_out_loses_nothing_and_keeps_the_width(text: str, lead: int) -> None:
    room = MOST_COLUMNS - lead
    for cue in cut(narrow(in_proportion(" ".join(text.split()), 0, 20_000), room), lead):
        first, *second = lay_out([piece.text for piece in cue], lead)
        assert squeezed(first, *second) == squeezed(*(piece.text for piece in cue))
        assert lead + columns(first) <= MOST_COLUMNS
        assert all(columns(line) <= MOST_COLUMNS for line in second)
        event(f"{len(second) + 1} lines")


def test_a_line_is_broken_after_the_stops_of_other_scripts() -> None:
    assert _lines("कक कक कक कक कक कक कक। कक कक कक कक कक कक कक कक कक")[0][-1] == "\u0964"
    assert _lines("نعم نعم نعم نعم نعم نعم، نعم نعم نعم نعم نعم نعم")[0][-1] == "\u060c"
