"""Punctuated text is aligned with unpunctuated words, so that each piece has times."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.text.alignment import align, in_proportion, split_pieces, spread

TEXTS = st.text("ab 你好。\uff0cかッハ!'\"(\uff08\n-9", max_size=30)


def _words(*texts: str, each_ms: int = 100) -> list[Word]:
    return [
        Word(text=text, start_ms=i * each_ms, end_ms=(i + 1) * each_ms)
        for i, text in enumerate(texts)
    ]


def _starts(text: str, *words: str) -> dict[str, int] | None:
    pieces = align(text, _words(*words))
    return None if pieces is None else {piece.text.strip(): piece.start_ms for piece in pieces}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Hello, world.", ["Hello, ", "world."]),
        ("你好\uff0c世界。", ["你", "好\uff0c", "世", "界。"]),
        ("用gpu训练", ["用", "gpu", "训", "练"]),
        ("你好,abc", ["你", "好,abc"]),
        ("ok\uff0cwhat now", ["ok\uff0c", "what ", "now"]),
        ("\uff08你\uff09好", ["\uff08你\uff09", "好"]),
        ("值¥100元", ["值", "¥100", "元"]),
        ("Bonjour ! Oui", ["Bonjour ! ", "Oui"]),
        ("きっとコーヒー", ["きっ", "と", "コー", "ヒー"]),
        ("한국 사람", ["한국 ", "사람"]),
        ('He said "go" now', ["He ", "said ", '"go" ', "now"]),
        ("Hola ¿qué tal? ¡Sí!", ["Hola ", "¿qué ", "tal? ", "¡Sí!"]),
        ("Oui #tag @me", ["Oui ", "#tag ", "@me"]),
        ("Vraiment ?! Oui", ["Vraiment ?! ", "Oui"]),
        ("ខ្ញុំ។គាត់", ["ខ្ញុំ។", "គាត់"]),
    ],
)
def test_a_text_is_cut_where_a_line_may_break(text: str, pieces: list[str]) -> None:
    assert split_pieces(text) == pieces


def test_punctuation_and_capitals_do_not_hide_a_word() -> None:
    heard = _starts("Hello, World. How's it?", "hello", "world", "how's", "it")
    assert heard == {"Hello,": 0, "World.": 100, "How's": 200, "it?": 300}


def test_han_characters_are_found_one_by_one_in_mixed_speech() -> None:
    heard = _starts("打开\uff0cGPU 训练。", "打", "开", "gpu", "训", "练")
    assert heard == {"打": 0, "开\uff0c": 100, "GPU": 200, "训": 300, "练。": 400}


def test_characters_of_one_word_share_its_time() -> None:
    assert _starts("你好。", "你好") == {"你": 0, "好。": 50}


def test_a_number_in_digits_takes_the_time_of_its_words_and_moves_nothing_else() -> None:
    pieces = align(
        "I have 23 apples, thanks.", _words("i", "have", "twenty", "three", "apples", "thanks")
    )
    assert pieces is not None
    times = {piece.text.strip(): (piece.start_ms, piece.end_ms) for piece in pieces}
    assert (times["have"], times["apples,"]) == ((100, 200), (400, 500))
    assert times["23"] == (200, 400)


def test_two_numbers_in_digits_leave_the_words_between_them_where_they_were() -> None:
    heard = _starts(
        "At 9 o'clock we left, before 10.",
        *("at", "nine", "o'clock", "we", "left", "before", "ten"),
    )
    assert heard == {
        "At": 0,
        "9": 100,
        "o'clock": 200,
        "we": 300,
        "left,": 400,
        "before": 500,
        "10.": 600,
    }


def test_words_that_are_written_as_two_are_found_between_numbers() -> None:
    heard = _starts(
        "5 o clock, 你好 twenty-one 6.", "five", "oclock", "你好", "twenty", "one", "six"
    )
    assert heard is not None
    assert (heard["o"], heard["clock,"], heard["你"], heard["好"]) == (100, 116, 200, 250)
    assert (heard["twenty-one"], heard["6."]) == (300, 500)


@pytest.mark.timeout(60)  # comparing letters instead of words takes minutes
def test_ten_minutes_of_rewritten_numbers_are_aligned() -> None:
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    said = [names[7 * i * i % 11 % 10] for i in range(2_000)]
    written = [str(names.index(one)) if i % 40 == 7 else one for i, one in enumerate(said)]
    pieces = align(" ".join(written), _words(*said))
    assert pieces is not None
    assert [piece.start_ms for piece in pieces] == [100 * i for i in range(2_000)]


def test_a_word_without_a_time_is_placed_between_its_neighbours() -> None:
    assert _starts("one two and three", "one", "two", "three") == {
        "one": 0,
        "two": 100,
        "and": 200,
        "three": 200,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [("hello", []), ("", ["a"]), ("...", ["a"]), ("wholly different", ["six", "five"])],
)
def test_texts_without_common_words_are_not_aligned(text: str, words: list[str]) -> None:
    assert align(text, _words(*words)) is None


@given(TEXTS, st.lists(st.integers(0, 500), min_size=60, max_size=60), st.data())
def test_pieces_are_the_text_in_order_of_time_and_within_the_words(
    text: str, lengths: list[int], data: st.DataObject
) -> None:
    spoken = [c for c in text if c.isalnum()]
    words, now_ms = [], 7
    for letter, gap_ms, length_ms in zip(spoken, lengths, lengths[30:], strict=False):
        words.append(
            Word(text=letter, start_ms=now_ms + gap_ms, end_ms=now_ms + gap_ms + length_ms)
        )
        now_ms = words[-1].end_ms
    kept = [word for word in words if data.draw(st.integers(0, 9)) > 0]
    pieces = align(text, kept)
    if len(kept) == len(words) and spoken:
        assert pieces is not None
    if pieces is None:
        return
    assert "".join(piece.text for piece in pieces) == text
    times = [time for piece in pieces for time in (piece.start_ms, piece.end_ms)]
    assert times == sorted(times)
    assert times[0] >= kept[0].start_ms
    assert times[-1] <= kept[-1].end_ms


def test_without_words_long_pieces_take_longer() -> None:
    pieces = in_proportion("three nine. 好", 1_000, 2_000)
    assert [piece.text for piece in pieces] == ["three ", "nine. ", "好"]
    assert [piece.start_ms for piece in pieces] == [1_000, 1_454, 1_909]
    assert pieces[-1].end_ms == 2_000


@given(TEXTS, st.integers(0, 9_000), st.integers(0, 9_000))
def test_without_words_pieces_touch_and_fill_the_segment(
    text: str, start_ms: int, length_ms: int
) -> None:
    pieces = in_proportion(text, start_ms, start_ms + length_ms)
    assert "".join(piece.text for piece in pieces) == text
    assert all(one.end_ms == other.start_ms for one, other in pairwise(pieces))
    if text.strip():
        assert (pieces[0].start_ms, pieces[-1].end_ms) == (start_ms, start_ms + length_ms)


@given(st.integers(0, 40), st.integers(0, 9_000), st.integers(0, 9_000))
def test_shares_of_a_stretch_touch_and_fill_it(count: int, start_ms: int, length_ms: int) -> None:
    shares = spread(count, start_ms, start_ms + length_ms)
    assert len(shares) == count
    edges = [start_ms, *(edge for share in shares for edge in share), start_ms + length_ms]
    assert edges == sorted(edges)
    assert all(one[1] == other[0] for one, other in pairwise(shares))
