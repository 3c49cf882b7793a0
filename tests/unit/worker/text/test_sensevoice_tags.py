"""SenseVoice's tags are read, and nothing of the text is lost with them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.sensevoice_tags import Tagged, combine, read_tags

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
        Tagged("开放时间早上9点至下午5点。", "zh", "neutral", ()),
        Tagged("hello there", "en", "happy", ("laughter",)),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("no tags at all", Tagged("no tags at all")),
        ("<|yue|><|EMO_UNKNOWN|><|Speech|><|woitn|>呢几个字", Tagged("呢几个字", "yue")),
        ("<|ja|><|SAD|><|Cry|>うん", Tagged("うん", "ja", "sad", ("cry",))),
        ("<|ko|><|FEARFUL|><|Event_UNK|>네", Tagged("네", "ko", "fearful")),
        ("<|nospeech|><|EMO_UNKNOWN|><|BGM|><|woitn|>", Tagged("", None, None, ("bgm",))),
        ("<|nospeech|><|unk|><|GBG|>", Tagged("")),
        ("<|de|>guten Tag", Tagged("guten Tag", "de")),
        ("<|en|>The.", Tagged("The.", "en")),
        (
            "<|en|>a<|Sneeze|>b <|Cough|><|Sneeze|> c",
            Tagged("a b c", "en", None, ("sneeze", "cough")),
        ),
        ("<|zh|>你<|Breath|>好", Tagged("你好", "zh", None, ("breath",))),
        ("<|en|><|ANGRY|>no<|HAPPY|> yes", Tagged("no yes", "en", "angry")),
        ("<|en|><|Door_Slam|><|startoflm|>in", Tagged("in", "en", None, ("door_slam",))),
        ("if a <| b or <|c d|> or <||>", Tagged("if a <| b or <|c d|> or <||>")),
        ("at <|0.40|> it", Tagged("at <|0.40|> it")),
    ],
)
def test_tags_are_removed_from_the_text_and_parsed(raw: str, expected: Tagged) -> None:
    assert read_tags(raw) == [expected]


@pytest.mark.parametrize("raw", ["", "  "])
def test_no_text_has_no_parts(raw: str) -> None:
    assert read_tags(raw) == []
    assert combine([]) == Tagged("")


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
        Tagged("hello there, everyone", "en", "happy", ("laughter",)),
        Tagged("开放时间早上", "zh", None, ("bgm", "laughter")),
        Tagged("", None, "sad", ("cry",)),
    ]
    assert combine(tagged) == Tagged(
        "hello there, everyone 开放时间早上", "zh", None, ("laughter", "bgm", "cry")
    )
