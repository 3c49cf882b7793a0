"""SenseVoice's tags are read, and nothing of the text is lost with them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.engine.families.sense_voice import combine, read_tags
from funasr_fleet.worker.text.segments import Recognition

HEADERS = st.sampled_from(
    ["<|zh|><|NEUTRAL|><|Speech|><|withitn|>", "<|en|><|EMO_UNKNOWN|><|BGM|><|woitn|>", "<|Cry|>"]
)
SAID = st.text("ab 你好。<|>", max_size=8).filter(lambda text: not re.search(r"<\|\w+\|>", text))


def part(
    text: str,
    language: str | None = None,
    emotion: str | None = None,
    events: tuple[str, ...] = (),
) -> Recognition:
    return Recognition(text=text, language=language, emotion=emotion, events=events)


def test_two_languages_in_one_text() -> None:
    raw = (
        "<|zh|><|NEUTRAL|><|Speech|><|withitn|>开放时间早上9点至下午5点。"
        "<|en|><|HAPPY|><|Laughter|><|woitn|>hello there"
    )
    assert read_tags(raw) == [
        part("开放时间早上9点至下午5点。", "zh", "neutral", ()),
        part("hello there", "en", "happy", ("laughter",)),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("no tags at all", part("no tags at all")),
        ("<|yue|><|EMO_UNKNOWN|><|Speech|><|woitn|>呢几个字", part("呢几个字", "yue")),
        ("<|ja|><|SAD|><|Cry|>うん", part("うん", "ja", "sad", ("cry",))),
        ("<|ko|><|FEARFUL|><|Event_UNK|>네", part("네", "ko", "fearful")),
        ("<|nospeech|><|EMO_UNKNOWN|><|BGM|><|woitn|>", part("", None, None, ("bgm",))),
        ("<|nospeech|><|unk|><|GBG|>", part("")),
        ("<|de|>guten Tag", part("guten Tag", "de")),
        ("<|en|>The.", part("The.", "en")),
        (
            "<|en|>a<|Sneeze|>b <|Cough|><|Sneeze|> c",
            part("a b c", "en", None, ("sneeze", "cough")),
        ),
        ("<|zh|>你<|Breath|>好", part("你好", "zh", None, ("breath",))),
        ("<|en|><|ANGRY|>no<|HAPPY|> yes", part("no yes", "en", "angry")),
        ("<|en|><|Door_Slam|><|startoflm|>in", part("in", "en", None, ("door_slam",))),
        ("if a <| b or <|c d|> or <||>", part("if a <| b or <|c d|> or <||>")),
        ("at <|0.40|> it", part("at <|0.40|> it")),
    ],
)
def test_tags_leave_the_text_and_what_they_say_stays(raw: str, expected: Recognition) -> None:
    assert read_tags(raw) == [expected]


@pytest.mark.parametrize("raw", ["", "  "])
def test_no_text_has_no_parts(raw: str) -> None:
    assert read_tags(raw) == []
    assert combine([]) == part("")


@given(st.lists(st.tuples(HEADERS, SAID), max_size=5))
def test_nothing_said_is_lost_and_no_tag_is_left(parts: list[tuple[str, str]]) -> None:
    tagged = read_tags("".join(header + said for header, said in parts))
    whole = combine(tagged).text
    assert "".join(whole.split()) == "".join("".join(said for _, said in parts).split())
    assert combine(tagged).events == tuple(
        dict.fromkeys(event for one in tagged for event in one.events)
    )


def test_together_they_have_the_language_and_emotion_of_most_words_and_all_events() -> None:
    tagged = [
        part("hello there, everyone", "en", "happy", ("laughter",)),
        part("开放时间早上", "zh", None, ("bgm", "laughter")),
        part("", None, "sad", ("cry",)),
    ]
    assert combine(tagged) == part(
        "hello there, everyone 开放时间早上", "zh", None, ("laughter", "bgm", "cry")
    )
