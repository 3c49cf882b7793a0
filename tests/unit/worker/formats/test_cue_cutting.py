"""A long segment becomes cues where one would pause."""

from hypothesis import given

from funasr_fleet.worker.formats.cue_cutting import cut
from funasr_fleet.worker.formats.cue_timing import MOST_MS
from funasr_fleet.worker.formats.lines import MOST_COLUMNS, lay_out
from funasr_fleet.worker.formats.wide_pieces import narrow
from funasr_fleet.worker.text.alignment import Piece, in_proportion
from tests.support.speech import TEXTS, check_lines, unhurried


def _texts(pieces: list[Piece]) -> list[str]:
    return ["".join(piece.text for piece in cue).strip() for cue in cut(pieces)]


def test_what_fits_is_one_cue() -> None:
    assert _texts(in_proportion("three nine. zero.", 0, 6_000)) == ["three nine. zero."]


def test_a_cue_ends_with_its_sentence() -> None:
    one = "The first sentence is of some length and ends here."
    two = "The second one follows and does not end before this."
    assert _texts(in_proportion(f"{one} {two}", 0, 9_000)) == [one, two]


def test_han_text_is_cut_at_its_stops() -> None:
    clauses = ["这是一个很长的句子", "用来测试字幕的切分", "看看它会不会在标点之后断开"]
    text = "\uff0c".join([*clauses, "每行不超过二十一个汉字。"])
    cues = _texts(in_proportion(text, 0, 12_000))
    assert len(cues) > 1
    assert all(cue[-1] in "\uff0c。" for cue in cues)
    assert "".join(cues) == text


def test_without_a_stop_a_cue_ends_at_a_pause() -> None:
    times = [(0, 500), (500, 1_000), (3_000, 3_500), (3_500, 4_000), (4_000, 7_900)]
    pieces = [Piece(f"{word} ", *span) for word, span in zip("abcde", times, strict=True)]
    assert _texts(pieces) == ["a b", "c d e"]


def test_nothing_said_makes_no_cue() -> None:
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
