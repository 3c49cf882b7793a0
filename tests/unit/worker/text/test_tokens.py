"""Words by script: splitting, joining, guessing the language; SenseVoice's tags."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.engine.families.sense_voice import combine, read_tags
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.tokens import guess_language, join_texts, split_words

TEXTS = st.text("ab 你好。\uff0cかハ!'", max_size=12)


def tagged_text(
    text: str,
    language: str | None = None,
    emotion: str | None = None,
    events: tuple[str, ...] = (),
) -> Recognition:
    return Recognition(text=text, language=language, emotion=emotion, events=events)


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


HEADERS = st.sampled_from(
    ["<|zh|><|NEUTRAL|><|Speech|><|withitn|>", "<|en|><|EMO_UNKNOWN|><|BGM|><|woitn|>", "<|Cry|>"]
)
SAID = st.text("ab 你好。<|>", max_size=8).filter(lambda text: not re.search(r"<\|\w+\|>", text))


def test_two_languages_in_one_text() -> None:
    raw = (
        "<|zh|><|NEUTRAL|><|Speech|><|withitn|>开放时间早上9点至下午5点。"
        "<|en|><|HAPPY|><|Laughter|><|woitn|>hello there"
    )
    assert read_tags(raw) == [
        tagged_text("开放时间早上9点至下午5点。", "zh", "neutral", ()),
        tagged_text("hello there", "en", "happy", ("laughter",)),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("no tags at all", tagged_text("no tags at all")),
        ("<|yue|><|EMO_UNKNOWN|><|Speech|><|woitn|>呢几个字", tagged_text("呢几个字", "yue")),
        ("<|ja|><|SAD|><|Cry|>うん", tagged_text("うん", "ja", "sad", ("cry",))),
        ("<|ko|><|FEARFUL|><|Event_UNK|>네", tagged_text("네", "ko", "fearful")),
        ("<|nospeech|><|EMO_UNKNOWN|><|BGM|><|woitn|>", tagged_text("", None, None, ("bgm",))),
        ("<|nospeech|><|unk|><|GBG|>", tagged_text("")),
        ("<|de|>guten Tag", tagged_text("guten Tag", "de")),
        ("<|en|>The.", tagged_text("The.", "en")),
        (
            "<|en|>a<|Sneeze|>b <|Cough|><|Sneeze|> c",
            tagged_text("a b c", "en", None, ("sneeze", "cough")),
        ),
        ("<|zh|>你<|Breath|>好", tagged_text("你好", "zh", None, ("breath",))),
        ("<|en|><|ANGRY|>no<|HAPPY|> yes", tagged_text("no yes", "en", "angry")),
        ("<|en|><|Door_Slam|><|startoflm|>in", tagged_text("in", "en", None, ("door_slam",))),
        ("if a <| b or <|c d|> or <||>", tagged_text("if a <| b or <|c d|> or <||>")),
        ("at <|0.40|> it", tagged_text("at <|0.40|> it")),
    ],
)
def test_tags_are_removed_from_the_text_and_parsed(raw: str, expected: Recognition) -> None:
    assert read_tags(raw) == [expected]


@pytest.mark.parametrize("raw", ["", "  "])
def test_no_text_has_no_parts(raw: str) -> None:
    assert read_tags(raw) == []
    assert combine([]) == tagged_text("")


@given(st.lists(st.tuples(HEADERS, SAID), max_size=5))
def test_no_text_is_lost_and_no_tag_is_left(parts: list[tuple[str, str]]) -> None:
    tagged = read_tags("".join(header + said for header, said in parts))
    whole = combine(tagged).text
    assert "".join(whole.split()) == "".join("".join(said for _, said in parts).split())
    assert combine(tagged).events == tuple(
        dict.fromkeys(event for one in tagged for event in one.events)
    )


def test_combined_tags_have_the_language_of_most_words_and_all_events() -> None:
    tagged = [
        tagged_text("hello there, everyone", "en", "happy", ("laughter",)),
        tagged_text("开放时间早上", "zh", None, ("bgm", "laughter")),
        tagged_text("", None, "sad", ("cry",)),
    ]
    assert combine(tagged) == tagged_text(
        "hello there, everyone 开放时间早上", "zh", None, ("laughter", "bgm", "cry")
    )
