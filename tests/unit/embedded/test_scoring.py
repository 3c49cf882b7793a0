"""Word errors against a reference; a Han character counts as a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.embedded.scoring import to_words, word_errors

WORDS = st.lists(st.sampled_from(["three", "nine", "你", "好"]), max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("reference", "heard", "errors"),
    [
        ("", "", 0),
        ("three nine zero", "three nine zero", 0),
        ("Three NINE", "three nine", 0),
        ("three nine zero", "three five zero", 1),
        ("three nine zero", "three zero", 1),
        ("three nine", "three nine nine", 1),
        ("three nine", "", 2),
        ("", "three nine", 2),
        ("three nine", "five zero", 2),
        ("你好世界", "你好世界", 0),
        ("你好世界", "你 好 世 界", 0),
        ("你好世界", "你坏世界", 1),
        ("你好世界", "好世界", 1),
        ("打开gpu", "打开 GPU", 0),
    ],
)
def test_errors_are_substituted_deleted_or_inserted_words(
    reference: str, heard: str, errors: int
) -> None:
    assert word_errors(reference, heard) == errors


@pytest.mark.parametrize(
    ("text", "words"),
    [("", []), ("A b", ["a", "b"]), ("你好", ["你", "好"]), ("用gpu跑", ["用", "gpu", "跑"])],
)
def test_words_are_lower_case_and_han_characters_stand_alone(text: str, words: list[str]) -> None:
    assert to_words(text) == words


@given(WORDS, WORDS)
def test_errors_count_the_same_in_both_directions_and_never_more_than_the_longer(
    one: str, other: str
) -> None:
    errors = word_errors(one, other)
    assert errors == word_errors(other, one)
    lengths = [len(to_words(text)) for text in (one, other)]
    assert abs(lengths[0] - lengths[1]) <= errors <= max(lengths)


@given(WORDS)
def test_a_text_has_no_errors_against_itself(text: str) -> None:
    assert word_errors(text, text) == 0
