"""The rules of a comparison: openai-whisper's normalisers, and conversions of Chinese."""

import pytest

from funasr_fleet.producer.errors import BadArgument
from funasr_fleet.producer.evaluation.scoring import score
from funasr_fleet.producer.evaluation.text_rules import TextRules, normaliser

WHISPER = TextRules(normalizer="whisper")

ENGLISH = [
    "Mr. Brown paid $5.50, didn't he?",
    "one thousand two hundred and thirty four",
    "1,234 and twenty-five percent",
    "It's the colour of the theatre",
    "I'm gonna, um, wanna go [laughter] (applause) <unk>",
    "twenty twenty one, nineteen ninety nine",
    "two point five million dollars",
    "50% vs. $5 vs. \u20ac5 vs. \u00a320",
    "minus five degrees, -5, +3",
    "C++ and C#",
    "the 1st, the twenty second and 3rd",
    "one oh one, double seven, triple 8",
    "St. Mary's, Dr. Who, Prof. X, Jr. and Sr.",
    "won't can't y'all let's ain't shan't",
    "caf\u00e9 na\u00efve \u0152uvre Stra\u00dfe \u00d8re",
    "two and a half hours",
    "a quarter to nine at 9:45 p.m.",
    "e-mail me@work.com, well-known",
    "he'd have done it; she's been there",
    "mhm hmm mm uh OK",
    "\u00bd cup, 3/4 full",
    "zero zero seven",
    "10,000,000 people",
    "",
]
OTHER = [
    "Gr\u00fc\u00dfe aus K\u00f6ln, 50% mehr!",
    "L'ann\u00e9e derni\u00e8re, \u00e7a co\u00fbtait 5 \u20ac",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002",
    "\u4e0a\u6db850%\uff0c\u771f\u7684\uff1f",
    "\u7528 iPhone \u6253\u7535\u8bdd",
    "\u30ab\u30bf\u30ab\u30ca\u3067\u3059\u3002",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0e44\u0e21\u0e48",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e",
    "\uc548\ub155\ud558\uc138\uc694, \uc5ec\ub7ec\ubd84!",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440 (\u0441\u043c\u0435\u0445)",
    "\u0130stanbul ve ISPARTA",
    "\u0645\u0631\u062d\u0628\u0627\u060c \u0665\u0660\u066a",
    "[musique] \u00bfQu\u00e9 tal? <b>Bien</b>",
    "don\u2019t \u2014 stop\u2026",
    "e\u0301t\u00e9 \ufb01n \uff21\uff22\uff23",
    "",
]


def test_whispers_normalisers_are_those_of_openai_whisper() -> None:
    normalizers = pytest.importorskip("whisper.normalizers", reason="openai-whisper is optional")
    pairs = [
        *((normalizers.EnglishTextNormalizer(), "en", False, text) for text in ENGLISH),
        *((normalizers.BasicTextNormalizer(), "fr", False, text) for text in OTHER[:8]),
        *((normalizers.BasicTextNormalizer(), None, False, text) for text in OTHER[8:]),
        *((normalizers.BasicTextNormalizer(split_letters=True), "zh", True, t) for t in OTHER),
    ]
    for theirs, language, letters, text in pairs:
        assert normaliser("whisper", language, letters=letters)(text) == theirs(text)


def test_an_unknown_normalizer_is_refused() -> None:
    with pytest.raises(BadArgument, match="normalizer must be one of fleet, whisper, not 'openai'"):
        TextRules(normalizer="openai")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "language", "errors"),
    [
        ("I'll pay twenty five dollars", "I will pay $25.", "en", 0),
        ("I'll pay twenty five dollars", "I will pay $25.", None, 4),
        ("the colour", "the color", "en", 0),
        ("the colour", "the color", "fr", 1),
        ("今天天气", "今天 天汽。", "zh", 1),
        ("用 iPhone 打", "用iPhon打", None, 1),
    ],
)
def test_whispers_rules_follow_the_language(
    reference: str, hypothesis: str, language: str | None, errors: int
) -> None:
    assert score(reference, hypothesis, "auto", language, WHISPER).counts.errors == errors


def test_whispers_rules_count_every_letter_of_a_text_without_spaces() -> None:
    assert score("用 iPhone 打", "", "auto", None, WHISPER).counts.words == 8
    assert score("你好 you", "", "wer", None, WHISPER).counts.words == 2
    assert score("hello you", "", "cer", "en", WHISPER).counts.words == 8


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rules", "errors"),
    [
        ("國際漢語", "国际汉语", TextRules(), 4),
        ("國際漢語", "国际汉语", TextRules(simplified=True), 0),
        ("上涨百分之五十", "上涨50%", TextRules(chinese_numbers=True), 0),
        ("上涨百分之五十", "上涨50", TextRules(chinese_numbers=True), 1),
        ("二〇二六年三月十五日", "2026年3月15日", TextRules(chinese_numbers=True), 0),
        ("負五度", "-5度", TextRules(simplified=True, chinese_numbers=True), 0),
        ("兩萬人", "2万人", TextRules(simplified=True), 1),
        ("千万不要", "千万不要", TextRules(chinese_numbers=True), 0),
        ("五十个", "50个", TextRules(normalizer="whisper", chinese_numbers=True), 0),
    ],
)
def test_numbers_and_traditional_characters_are_equal_by_option(
    reference: str, hypothesis: str, rules: TextRules, errors: int
) -> None:
    assert score(reference, hypothesis, "auto", "zh", rules).counts.errors == errors


@pytest.mark.parametrize("text", ["1" * 20_000, "一" * 20_000, "一百" * 10_000, " " * 20_000])
@pytest.mark.parametrize("rules", [WHISPER, TextRules(simplified=True, chinese_numbers=True)])
def test_texts_of_any_length_are_compared(text: str, rules: TextRules) -> None:
    """whisper_normalizer fails at a number of 4,300 digits; cn2an took minutes."""
    assert score(text, text, language="en", rules=rules).counts.errors == 0
    assert score(text, "x", language="en", rules=rules).counts.errors > 0
