"""Words by script: split, joined again, and told apart by language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.tokens import guess_language, join_texts, split_words

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
        ("二〇二六", ["二", "\u3007", "二", "六"]),
        ("人々", ["人", "々"]),
        ("ﾃｽﾄ", ["ﾃ", "ｽ", "ﾄ"]),
        ("ｶﾞか\u3099", ["ｶﾞ", "か\u3099"]),
        ("葛\U000e0100𠮷", ["葛\U000e0100", "𠮷"]),
        ("สวัสดี ครับ", ["สวัสดี", "ครับ"]),
        ("ＧＰＵで", ["\uff27\uff30\uff35", "で"]),
    ],
)
def test_han_and_kana_are_words_each_and_others_end_at_spaces(text: str, words: list[str]) -> None:
    assert split_words(text) == words


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
        (["한국", "사람"], "한국 사람"),
        (["สวัสดี", "ครับ"], "สวัสดี ครับ"),
        (["二", "\u3007", "二", "六"], "二〇二六"),
        (["人", "々", "が"], "人々が"),
        (["ﾃ", "ｽ", "ﾄ"], "ﾃｽﾄ"),
        (["葛\U000e0100", "城"], "葛\U000e0100城"),
        (["用", "gpu", "训练"], "用 gpu 训练"),
        (["\uff2e\uff28\uff2b", "の", "\uff27\uff30\uff35"], "ＮＨＫのＧＰＵ"),
        (["\uff2e\uff28\uff2b", "\uff27\uff30\uff35"], "\uff2e\uff28\uff2b \uff27\uff30\uff35"),
        (["hello", "\uff0c", "world"], "hello\uff0cworld"),
        (["你好。", "Hello.", "你好"], "你好。Hello. 你好"),
        (["“你好”", "他说", "“好”"], "“你好”他说“好”"),
        (["said", "“no”", "and"], "said “no” and"),
        (["《书》", "\uff08二\uff09", "page"], "《书》\uff08二\uff09page"),
        (["one", ",", "two", "."], "one, two."),
        (["(", "one", ")", "two"], "(one) two"),
        (["point", ".5"], "point .5"),
        (["so", "...and"], "so ...and"),
        (["二", ".", "。"], "二.。"),
        (["well", "…", "…no"], "well… …no"),
        (["你好", "…", "世界"], "你好…世界"),
        (["他", "——", "走"], "他——走"),
        (["a\n。b", "c"], "a\n。b c"),
    ],
)
def test_texts_are_joined_as_their_script_wants_it(texts: list[str], joined: str) -> None:
    assert join_texts(texts) == joined


@given(st.lists(TEXTS, max_size=6))
def test_joining_keeps_every_character_in_order(texts: list[str]) -> None:
    joined = join_texts(texts)
    assert "".join(joined.split()) == "".join("".join(texts).split())
    assert joined == joined.strip()


@given(
    st.text(
        "aZ1Ä\uff21한 你〇かｶﾞ。\uff0c\uff01“”\u2018\u2019…—·()\uff08\uff09,.!'\"\n\u3000\ufe00",
        max_size=12,
    )
)
def test_splitting_and_joining_twice_changes_nothing(text: str) -> None:
    joined = join_texts(split_words(text))
    assert join_texts(split_words(joined)) == joined
    assert "".join(joined.split()) == "".join(text.split())


@pytest.mark.timeout(60)
def test_the_texts_of_a_day_are_joined_in_linear_time() -> None:
    assert len(join_texts(["你好世界"] * 400_000)) == 1_600_000


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
