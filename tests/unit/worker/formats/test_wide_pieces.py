"""What is too wide for a line is cut between the characters that readers see."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.formats.lines import columns
from funasr_fleet.worker.formats.wide_pieces import clusters, narrow
from funasr_fleet.worker.text.alignment import Piece
from tests.support.speech import SAID

THAI = "ภาษาไทยเขียนโดยไม่มีช่องว่างระหว่างคำในประโยคเดียวกันแม้จะยาวมากก็ตาม"
WIDE = st.lists(st.sampled_from([*SAID, THAI, "x" * 50]), min_size=1, max_size=9).map("".join)


def _texts(text: str, room: int = 42) -> list[str]:
    return [piece.text for piece in narrow([Piece(text, 0, 1_000)], room)]


@given(WIDE | st.text("aกำเแ้ๆะ\u0301\u200d👩🏽💻🇫🇷नि्", max_size=200), st.integers(21, 42))
def test_no_part_is_too_wide_and_nothing_is_lost(text: str, room: int) -> None:
    parts = _texts(text, room)
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
def test_characters_are_what_readers_see(text: str, characters: list[str]) -> None:
    assert clusters(text) == characters


def test_a_row_of_one_vowel_is_cut_all_the_same() -> None:
    assert all(columns(part) <= 42 for part in _texts("มา" + "า" * 100))


def test_parts_are_alike_and_share_the_time() -> None:
    parts = narrow([Piece("x" * 60 + " ", 1_000, 2_000)], 42)
    assert parts == [Piece("x" * 30, 1_000, 1_500), Piece("x" * 30 + " ", 1_500, 2_000)]


def test_what_is_too_wide_is_cut_after_its_dashes_first() -> None:
    assert _texts(f"{'x' * 30}\u2014{'y' * 20}\u2014\u201d") == [
        f"{'x' * 30}\u2014",
        f"{'y' * 20}\u2014",
        "\u201d",
    ]


def test_what_fits_is_left_as_it_is() -> None:
    fits = [Piece("x" * 42 + " ", 0, 9), Piece("a\u2014b", 9, 9)]
    assert narrow(fits, 42) == fits


def test_parts_touch() -> None:
    parts = narrow([Piece(THAI * 3, 7, 1_234)], 42)
    assert (parts[0].start_ms, parts[-1].end_ms) == (7, 1_234)
    assert all(one.end_ms == other.start_ms for one, other in pairwise(parts))
