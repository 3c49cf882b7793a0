"""Words by script: split, joined again, and told apart by language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.planning.words import guess_language, join_texts, split_words

TEXTS = st.text("ab 你好。\uff0cかハ!'", max_size=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  ", []),
        ("three nine  zero", ["three", "nine", "zero"]),
        ("it's 3.5 o'clock", ["it's", "3.5", "o'clock"]),
        ("你好", ["你", "好"]),
        ("用gpu训练", ["用", "gpu", "训", "练"]),
        ("hello 你好 world", ["hello", "你", "好", "world"]),
        ("カナかな", ["カ", "ナ", "か", "な"]),
        ("한국 사람", ["한국", "사람"]),
    ],
)
def test_han_and_kana_are_words_each_and_others_end_at_spaces(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@given(TEXTS)
def test_splitting_loses_nothing_but_spaces(text: str) -> None:
    assert "".join(split_words(text)) == "".join(text.split())


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        ([], ""),
        (["one"], "one"),
        (["one", "two"], "one two"),
        (["one.", "Two"], "one. Two"),
        (["你好", "世界"], "你好世界"),
        (["你好。", "世界"], "你好。世界"),
        (["你好", "\uff0c世界"], "你好\uff0c世界"),
        (["一二", "", " ", "三"], "一二三"),
        ([" one ", " two"], "one two"),
    ],
)
def test_texts_are_joined_as_their_script_wants_it(texts: list[str], joined: str) -> None:
    assert join_texts(texts) == joined


@given(st.lists(TEXTS, max_size=6))
def test_joining_keeps_every_character_in_order(texts: list[str]) -> None:
    joined = join_texts(texts)
    assert "".join(joined.split()) == "".join("".join(texts).split())
    assert joined == joined.strip()


@given(st.lists(st.text("ab", min_size=1, max_size=4), max_size=6))
def test_words_of_one_text_never_run_into_those_of_the_next(words: list[str]) -> None:
    assert split_words(join_texts(words)) == words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", None),
        (" ", None),
        ("three nine", "en"),
        ("你好", "zh"),
        ("打开 gpu", "zh"),
        ("my gpu is 好", "en"),
    ],
)
def test_the_language_is_that_of_most_words(text: str, language: str | None) -> None:
    assert guess_language(text) == language
