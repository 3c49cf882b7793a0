"""Normalisation of texts, their units (words or characters), and errors between two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.producer.evaluation.normalise import characters, normalise, words
from funasr_fleet.producer.evaluation.scoring import Counts, Metric, MetricChoice, score, script_of


def _counts(words: int, substituted: int = 0, deleted: int = 0, inserted: int = 0) -> Counts:
    return Counts(words=words, substitutions=substituted, deletions=deleted, insertions=inserted)


@pytest.mark.parametrize(
    ("said", "heard", "metric", "counts"),
    [
        ("The cat sat.", "the cat sat", "wer", _counts(3)),
        ("the cat sat", "the bat sat down", "wer", _counts(3, substituted=1, inserted=1)),
        ("the cat sat", "", "wer", _counts(3, deleted=3)),
        ("", "thank you", "wer", _counts(0, inserted=2)),
        ("...", "谢谢", "cer", _counts(0, inserted=2)),
        ("", "", "wer", _counts(0)),
        ("今天 天气", "今天 天汽。", "cer", _counts(4, substituted=1)),
        ("用 iPhone 打", "用iphone打", "cer", _counts(3)),
        ("用 iPhone 打", "用爱风打", "cer", _counts(3, substituted=1, inserted=1)),
        ("カタカナ です", "かたかなです", "cer", _counts(6, substituted=4)),
        ("ไทย", "ไท", "cer", _counts(3, deleted=1)),
        ("ㄋㄧ ㄏㄠ", "ㄋㄧㄏ", "cer", _counts(4, deleted=1)),
        ("안녕 여러분", "안녕 여러 분", "wer", _counts(2, substituted=1, inserted=1)),
        ("please say 你 again", "please say 你 again", "wer", _counts(4)),
    ],
)
def test_differences_are_counted_as_edits(
    said: str, heard: str, metric: Metric, counts: Counts
) -> None:
    found = score(said, heard)
    assert (found.metric, found.counts) == (metric, counts)


@pytest.mark.parametrize(
    ("text", "language", "choice", "metric", "said"),
    [
        ("hello", "zh", "auto", "cer", 1),
        ("hello", "ja", "auto", "cer", 1),
        ("hello", "th", "auto", "cer", 5),
        ("你好", "en", "auto", "wer", 2),
        ("hello you", None, "cer", "cer", 8),
        ("hello you", "en", "cer", "cer", 8),
        ("你好 you", None, "wer", "wer", 3),
        ("你好 you", None, "cer", "cer", 3),
    ],
)
def test_the_metric_follows_the_choice_then_the_language_then_the_script(
    text: str, language: str | None, choice: MetricChoice, metric: Metric, said: int
) -> None:
    found = score(text, text, choice, language)
    assert (found.metric, found.counts) == (metric, _counts(said))


def test_the_script_is_that_of_half_of_the_words() -> None:
    assert script_of("请 打 call now") == "han_and_kana"
    assert script_of("请 please call now") == "spaced"
    assert script_of("") == "spaced"


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_edit_counts_add_up(said: list[str], heard: list[str]) -> None:
    counts = score(" ".join(said), " ".join(heard)).counts
    assert counts.words - counts.deletions + counts.insertions == len(heard)
    assert abs(len(said) - len(heard)) <= counts.errors <= max(len(said), len(heard))


def test_the_rate_is_errors_per_word_and_none_without_words() -> None:
    assert _counts(4, 1, 1, 4).rate == 1.5
    assert _counts(0, inserted=3).rate is None
    assert (_counts(4, 1) + _counts(6, 0, 2)).rate == 0.3


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hello,   World!", "hello world"),
        ("well-known", "well known"),
        ("the U.S.A. at 3 p.m., J.K. Rowling", "the usa at 3 pm jk rowling"),
        ("在U.S.设厂, \u043d.\u044d.", "在us 设厂 \u043d\u044d"),
        ("it's.I know.a word v.1.2 x.y1", "it's i know a word v 1.2 x y1"),
        ("\uff21\uff22\uff23\uff11\uff12\uff13", "abc123"),
        ("Straße ﬁre", "strasse fire"),
        ("Don\u2019t say 'it' to the dogs' owner", "don't say it to the dogs owner"),
        ("rock 'n' roll", "rock n roll"),
        ("aujourd`hui", "aujourd'hui"),
        ("3.14 and 1,000,000.", "3.14 and 1,000,000"),
        ("1,2,3 go... 4,", "1 2 3 go 4"),
        ("\uff11\uff0c\uff12\uff0c\uff13\uff14\uff15", "1 2 345"),
        ("snake_case $5 50% C++", "snake case $ 5 50 % c + +"),
        ("50 %, \u066a, \uff05, 5 \u2030", "50 % % % 5 \u2030"),
        ("5\u2103, 1\u20442, \u00bd, 1/2", "5 \u00b0 c 1 2 1 2 1 2"),
        ("R&D #1 me@work", "r & d # 1 me @ work"),
        ("-5, \u22125, (-$3), -.5", "\u2212 5 \u2212 5 \u2212 $ 3 \u2212 5"),
        ("COVID-19, 2-3, 5 - 3, --5", "covid 19 2 3 5 3 5"),
        ("\u20135, \u20115, (\u2013$3), \u2013.5", "\u2212 5 \u2212 5 \u2212 $ 3 \u2212 5"),
        ("pages 2\u20133, 5 \u2013 3, \u2013\u20135", "pages 2 3 5 3 5"),
        ("气温-5度", "气温 \u2212 5度"),
        ("<unk> a~b | c \u2192 d", "unk a b c d"),
        ("\u0130stanbul I\u0307stanbul", "istanbul istanbul"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zerowidth mark"),
        ("one\ttwo\nthree\u3000four\x00five", "one two three four five"),
        ("cafe\u0301", "caf\u00e9"),
        ("ภาษาไทย ไม่", "ภาษาไทย ไม่"),
        ("你好\uff0c世界。", "你好 世界"),
        ("ﾃｽﾄ", "テスト"),
        ("\ue000private\ue001", "private"),
        ("I \u2764\ufe0f it, 1\ufe0f\u20e3", "i it 1"),
        ("e\u200b\u0301 \u00a8 \u02dc", "\u00e9"),
        ("...!?", ""),
        ("", ""),
    ],
)
def test_punctuation_and_case_are_normalised(text: str, left: str) -> None:
    assert normalise(text) == left


@pytest.mark.parametrize("language", ["tr", "az"])
def test_the_capital_of_the_dotless_i_is_folded_by_language(language: str) -> None:
    assert normalise("ISPARTA, KADIN", language) == normalise("\u0131sparta kad\u0131n", language)
    assert normalise("\u0130ZM\u0130R", language) == "izmir"
    assert normalise("ISPARTA", "en") == "isparta"


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [
        ("50%", "50"),
        ("$5", "€5"),
        ("$5", "5"),
        ("上涨50%", "上涨50"),
        ("-5 degrees", "5 degrees"),
        ("气温-5度", "气温5度"),
        ("C++", "C"),
        ("C#", "C"),
        ("20°", "20"),
        ("a = b", "a b"),
        ("5\u00d73", "5 3"),
    ],
)
def test_a_lost_symbol_that_is_read_aloud_is_an_error(reference: str, hypothesis: str) -> None:
    assert score(reference, hypothesis).counts.errors == 1 + (reference == "C++")
    assert score(hypothesis, reference).counts.errors == 1 + (reference == "C++")


def test_symbols_do_not_decide_the_script() -> None:
    assert score("涨50%", "涨50%").metric == "cer"


@pytest.mark.parametrize(
    ("one", "other"), [("3", "three"), ("1,000", "1000"), ("don't", "do not"), ("國", "国")]
)
def test_numbers_and_contractions_are_not_expanded(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text())
def test_normalising_twice_changes_nothing_and_only_spaces_part(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once.split() == [part for part in once.split(" ") if part]


@given(st.text())
def test_splitting_into_words_or_characters_loses_nothing(text: str) -> None:
    plain = normalise(text)
    squeezed = plain.replace(" ", "")
    assert "".join(words(plain)) == "".join(characters(plain)) == squeezed


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("今天 用iPhone 打电话", ["今", "天", "用", "iphone", "打", "电", "话"]),
        ("二\u3007二六年 人々", ["二", "\u3007", "二", "六", "年", "人", "々"]),
        ("コーヒー no 味", ["コ", "ー", "ヒ", "ー", "no", "味"]),
        ("ㄅㄆ ok", ["ㄅ", "ㄆ", "ok"]),
        ("見〱\U0001b001x", ["見", "〱", "\U0001b001", "x"]),
        ("あ\u3099い", ["あ\u3099", "い"]),
        ("他's ok", ["他", "s", "ok"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("it's 3.14", ["it's", "3.14"]),
    ],
)
def test_han_and_kana_characters_are_words_of_their_own(text: str, cut: list[str]) -> None:
    assert words(normalise(text)) == cut


def test_characters_are_all_but_spaces() -> None:
    assert characters(normalise("It's  me")) == ["i", "t", "'", "s", "m", "e"]
