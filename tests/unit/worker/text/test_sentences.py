"""Segments become sentences; text, words, times and other fields are kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.transcript import Segment, Word
from funasr_fleet.worker.text.sentences import ends_sentence, split_sentences
from funasr_fleet.worker.text.tokens import join_texts, split_words


def heard(text: str, said: str | None = None, **fields: Any) -> Segment:
    """A segment at 1 s; its words last 100 ms each, and the first begins 50 ms later."""
    plain = said or "".join(c.lower() if c.isalnum() or c in " '" else " " for c in text)
    words = tuple(
        Word(text=word, start_ms=1_050 + 100 * place, end_ms=1_150 + 100 * place)
        for place, word in enumerate(split_words(plain))
    )
    end_ms = words[-1].end_ms + 70 if words else 1_100
    given = {"start_ms": 1_000, "end_ms": end_ms, "text": text, "words": words, **fields}
    return Segment.model_validate(given)


def texts(segment: Segment) -> list[str]:
    return [one.text for one in split_sentences(segment)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ("你好。你是谁\uff1f我是张三\uff01", ["你好。", "你是谁\uff1f", "我是张三\uff01"]),
        ("It rose 3.5 percent. Good.", ["It rose 3.5 percent.", "Good."]),
        ("Ask Mr. Smith e.g. at noon. Yes.", ["Ask Mr. Smith e.g. at noon.", "Yes."]),
        ("J. Smith of the U.S. Army left. He did.", ["J. Smith of the U.S. Army left.", "He did."]),
        ("He said “go.” She went.", ["He said “go.”", "She went."]),
        ('He said "go!" (Really?) Yes.', ['He said "go!"', "(Really?)", "Yes."]),
        ("他说\uff1a“走吧。”然后走了。", ["他说\uff1a“走吧。”", "然后走了。"]),
        ("Well... maybe. No. Yes.", ["Well... maybe.", "No.", "Yes."]),
        ("What?! No!! Yes", ["What?!", "No!!", "Yes"]),
        ("我用电脑。Hello there. Bye.", ["我用电脑。", "Hello there.", "Bye."]),
        ("我们用 pytorch.然后呢\uff1f好。", ["我们用 pytorch.", "然后呢\uff1f", "好。"]),
        ("one; two, three: four", ["one; two, three: four"]),
        ("第一\uff1b第二\uff0c第三。", ["第一\uff1b第二\uff0c第三。"]),
        ("ok ! ! sure", ["ok ! !", "sure"]),
        ("मैं हूँ। तुम कौन हो? हाँ॥", ["मैं हूँ।", "तुम कौन हो?", "हाँ॥"]),
        ("من أنت؟ أنا هنا.", ["من أنت؟", "أنا هنا."]),
        ("میں ہوں\u06d4 تم ہو\u06d4", ["میں ہوں\u06d4", "تم ہو\u06d4"]),
        ("ខ្ញុំនៅទីនេះ។គាត់នៅទីនោះ។", ["ខ្ញុំនៅទីនេះ។", "គាត់នៅទីនោះ។"]),
        ("ကျွန်တော်။ သူ။", ["ကျွန်တော်။", "သူ။"]),
        ("Ես եմ\u0589 Դու ես\u0589", ["Ես եմ\u0589", "Դու ես\u0589"]),
        ("እኔ ነኝ። አንተ ነህ፧ አዎ።", ["እኔ ነኝ።", "አንተ ነህ፧", "አዎ።"]),
        ("See fig. 3 and No. 5. I said no. Yes.", ["See fig. 3 and No. 5.", "I said no.", "Yes."]),
    ],
)
def test_sentences_end_where_readers_see_an_end(text: str, sentences: list[str]) -> None:
    assert texts(heard(text)) == sentences


def test_each_has_its_words_and_their_times_between_the_ends_of_the_segment() -> None:
    first, second, third = split_sentences(heard("Hello there. How are you? Fine!"))
    assert [word.text for word in second.words or ()] == ["how", "are", "you"]
    assert (first.start_ms, first.end_ms) == (1_000, 1_250)
    assert (second.start_ms, second.end_ms) == (1_250, 1_550)
    assert (third.start_ms, third.end_ms) == (1_550, 1_720)


def test_sentences_inherit_the_fields_of_the_segment_and_events_once() -> None:
    known: dict[str, Any] = {
        "speaker": "A",
        "confidence": 0.5,
        "language": "en",
        "emotion": "happy",
    }
    first, second = split_sentences(heard("Yes. No.", events=("laughter",), **known))
    for one in (first, second):
        assert {name: getattr(one, name) for name in known} == known
    assert (first.events, second.events) == (("laughter",), ())


@pytest.mark.parametrize(
    "segment",
    [
        heard("Hello there how are you"),
        heard("Hello. There.", words=None),
        heard("Hello. There.", words=()),
        heard("Hello. There.", said="nothing of that kind at all"),
        heard(""),
    ],
)
def test_a_segment_that_cannot_be_split_is_unchanged(segment: Segment) -> None:
    assert split_sentences(segment) == [segment]


def test_rewritten_numbers_stay_in_their_sentence() -> None:
    said = "it is twenty three degrees now put on a warm coat please"
    first, second = split_sentences(
        heard("It is 23 degrees now. Put on a warm coat, please.", said)
    )
    assert [word.text for word in first.words or ()] == said.split()[:6]
    assert [word.text for word in second.words or ()] == said.split()[6:]


@pytest.mark.parametrize(
    ("piece", "ends"),
    [
        ("end. ", True),
        ("3.", True),
        ("(p.m.) ", False),
        ("etc.", False),
        ("so...", False),
        ("so…", False),
        ("...", False),
        (".", True),
        ("\uff1f”", True),
        ("—", False),
        ("走。——", True),
        ("yes?,", False),
    ],
)
def test_a_piece_ends_a_sentence_or_does_not(piece: str, ends: bool) -> None:
    assert ends_sentence(piece) is ends


MANY = 1_000_000
"""So many that quadratic work would take hours."""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("dots", ["." * MANY, ".)" * MANY, ". " * MANY, "a." * MANY])
@pytest.mark.parametrize("last", ["", "!", ",", "a"])
def test_long_runs_of_dots_are_decided_in_linear_time(dots: str, last: str) -> None:
    ends_sentence(f"a{dots}{last}")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["one", "Mr", "3.5", "好", "か", "네"]),
            st.text(".?!。\uff1f”) ", max_size=3),
        ),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.integers(0, 90), min_size=12, max_size=12),
)
def test_no_character_and_no_word_is_lost_and_time_never_runs_back(
    said: list[tuple[str, str]], lengths: list[int]
) -> None:
    words, at_ms = [], 0
    for (word, _), length_ms in zip(said, lengths, strict=False):
        words.append(Word(text=word, start_ms=at_ms, end_ms=at_ms + length_ms))
        at_ms += length_ms
    text = join_texts(["".join(one) for one in said])
    segment = Segment(start_ms=0, end_ms=at_ms, text=text, words=tuple(words))
    sentences = split_sentences(segment)
    assert "".join("".join(one.text for one in sentences).split()) == "".join(text.split())
    assert [word for one in sentences for word in one.words or ()] == words
    times = [ms for one in sentences for ms in (one.start_ms, one.end_ms)]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (0, at_ms)
    assert all(one.words for one in sentences)
