"""Errors between two texts, and whether words or characters are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
def test_what_differs_is_counted(said: str, heard: str, metric: Metric, counts: Counts) -> None:
    found = score(said, heard)
    assert (found.metric, found.counts) == (metric, counts)


@pytest.mark.parametrize(
    ("text", "language", "choice", "metric", "said"),
    [
        ("hello", "zh", "auto", "cer", 1),
        ("hello", "zh-CN", "auto", "cer", 1),
        ("hello", "JA", "auto", "cer", 1),
        ("hello", "th", "auto", "cer", 5),
        ("你好", "en", "auto", "wer", 2),
        ("你好", "auto", "auto", "cer", 2),
        ("hello you", None, "cer", "cer", 8),
        ("hello you", "en", "cer", "cer", 8),
        ("你好 you", None, "wer", "wer", 3),
        ("你好 you", None, "cer", "cer", 3),
    ],
)
def test_a_language_is_stronger_than_the_script_and_a_choice_than_both(
    text: str, language: str | None, choice: MetricChoice, metric: Metric, said: int
) -> None:
    found = score(text, text, choice, language)
    assert (found.metric, found.counts) == (metric, _counts(said))


def test_half_of_the_words_decide_the_script() -> None:
    assert script_of("请 打 call now") == "han_and_kana"
    assert script_of("请 please call now") == "spaced"
    assert script_of("") == "spaced"


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_counts_balance(said: list[str], heard: list[str]) -> None:
    counts = score(" ".join(said), " ".join(heard)).counts
    assert counts.words - counts.deletions + counts.insertions == len(heard)
    assert abs(len(said) - len(heard)) <= counts.errors <= max(len(said), len(heard))


def test_a_rate_is_errors_by_words_and_none_where_nothing_was_said() -> None:
    assert _counts(4, 1, 1, 4).rate == 1.5
    assert _counts(0, inserted=3).rate is None
    assert (_counts(4, 1) + _counts(6, 0, 2)).rate == 0.3
