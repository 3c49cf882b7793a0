"""A long segment is cut into cues and lines of limited width, at suitable places."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from funasr_fleet.worker.formats.cue_timing import MOST_MS
from funasr_fleet.worker.formats.cues import cut
from funasr_fleet.worker.formats.lines import MOST_COLUMNS, clusters, columns, lay_out, narrow
from funasr_fleet.worker.text.alignment import Piece, in_proportion, split_pieces
from tests.support.speech import TEXTS, TOKENS, check_lines, squeezed, unhurried


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


def test_text_that_fits_stays_on_one_line() -> None:
    assert _lines("你" * 21) == ("你" * 21,)
    assert _lines("a" * 20 + " " + "b" * 21) == ("a" * 20 + " " + "b" * 21,)


def test_two_lines_are_balanced_and_the_lower_is_longer() -> None:
    upper, lower = _lines("one two three four five six seven eight nine ten")
    assert (upper, lower) == ("one two three four five", "six seven eight nine ten")
    assert _lines("你" * 23) == ("你" * 11, "你" * 12)


def test_lines_break_after_punctuation_rather_than_in_the_middle() -> None:
    assert _lines("We went to the house, and nobody was there then.")[0] == "We went to the house,"


def test_the_space_after_a_line_takes_no_room() -> None:
    assert lay_out([f"{'x' * 42} ", "y " * 20, "zz "]) == ("x" * 42, "y " * 20 + "zz")


def test_a_prefix_shortens_the_first_line() -> None:
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


def _cue_texts(pieces: list[Piece]) -> list[str]:
    return ["".join(piece.text for piece in cue).strip() for cue in cut(pieces)]


def test_text_that_fits_is_one_cue() -> None:
    assert _cue_texts(in_proportion("three nine. zero.", 0, 6_000)) == ["three nine. zero."]


def test_a_cue_ends_with_its_sentence() -> None:
    one = "The first sentence is of some length and ends here."
    two = "The second one follows and does not end before this."
    assert _cue_texts(in_proportion(f"{one} {two}", 0, 9_000)) == [one, two]


def test_han_text_is_cut_at_its_stops() -> None:
    clauses = ["这是一个很长的句子", "用来测试字幕的切分", "看看它会不会在标点之后断开"]
    text = "\uff0c".join([*clauses, "每行不超过二十一个汉字。"])
    cues = _cue_texts(in_proportion(text, 0, 12_000))
    assert len(cues) > 1
    assert all(cue[-1] in "\uff0c。" for cue in cues)
    assert "".join(cues) == text


def test_without_a_stop_a_cue_ends_at_a_pause() -> None:
    times = [(0, 500), (500, 1_000), (3_000, 3_500), (3_500, 4_000), (4_000, 7_900)]
    pieces = [Piece(f"{word} ", *span) for word, span in zip("abcde", times, strict=True)]
    assert _cue_texts(pieces) == ["a b", "c d e"]


def test_no_text_makes_no_cue() -> None:
    assert cut([]) == []


@given(TEXTS)
@unhurried
def test_cues_fit_in_two_lines_and_seven_seconds_and_lose_nothing(text: str) -> None:
    pieces = narrow(in_proportion(" ".join(text.split()), 0, 20_000), MOST_COLUMNS)
    cues = cut(pieces)
    assert [piece for cue in cues for piece in cue] == pieces
    for cue in cues:
        check_lines(lay_out([piece.text for piece in cue]))
        assert len(cue) == 1 or cue[-1].end_ms - cue[0].start_ms <= MOST_MS


THAI = "ภาษาไทยเขียนโดยไม่มีช่องว่างระหว่างคำในประโยคเดียวกันแม้จะยาวมากก็ตาม"
WIDE = st.lists(st.sampled_from([*TOKENS, THAI, "x" * 50]), min_size=1, max_size=9).map("".join)


def _parts(text: str, room: int = 42) -> list[str]:
    return [piece.text for piece in narrow([Piece(text, 0, 1_000)], room)]


@given(WIDE | st.text("aกำเแ้ๆะ\u0301\u200d👩🏽💻🇫🇷नि्", max_size=200), st.integers(21, 42))
def test_no_part_is_too_wide_and_nothing_is_lost(text: str, room: int) -> None:
    parts = _parts(text, room)
    assert "".join(parts) == text
    assert all(columns(part.rstrip()) <= room for part in parts)
    assert not any(unicodedata.category(part[0]) == "Mn" for part in parts[1:])


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("cafe\u0301s", ["c", "a", "f", "e\u0301", "s"]),
        ("น้ำเย็น", ["น้ำ", "เย็", "น"]),
        ("โตะๆ", ["โตะๆ"]),
        ("ເດັກ", ["ເດັ", "ກ"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
        ("हिन्दी", ["हि", "न्दी"]),
        ("👩🏽‍💻👍🏽", ["👩🏽‍💻", "👍🏽"]),
        ("🇫🇷🇩🇪", ["🇫🇷", "🇩🇪"]),
    ],
)
def test_clusters_are_what_readers_see_as_characters(text: str, characters: list[str]) -> None:
    assert clusters(text) == characters


def test_a_run_of_combining_vowels_is_cut() -> None:
    assert all(columns(part) <= 42 for part in _parts("มา" + "า" * 100))


def test_parts_are_balanced_and_share_the_time() -> None:
    parts = narrow([Piece("x" * 60 + " ", 1_000, 2_000)], 42)
    assert parts == [Piece("x" * 30, 1_000, 1_500), Piece("x" * 30 + " ", 1_500, 2_000)]


def test_wide_pieces_are_cut_after_dashes_first() -> None:
    assert _parts(f"{'x' * 30}\u2014{'y' * 20}\u2014\u201d") == [
        f"{'x' * 30}\u2014",
        f"{'y' * 20}\u2014",
        "\u201d",
    ]


def test_pieces_that_fit_are_unchanged() -> None:
    fits = [Piece("x" * 42 + " ", 0, 9), Piece("a\u2014b", 9, 9)]
    assert narrow(fits, 42) == fits


def test_parts_are_contiguous_in_time() -> None:
    parts = narrow([Piece(THAI * 3, 7, 1_234)], 42)
    assert (parts[0].start_ms, parts[-1].end_ms) == (7, 1_234)
    assert all(one.end_ms == other.start_ms for one, other in pairwise(parts))
