"""What Paraformer returns becomes text and words with times, whatever it leaves out."""

from typing import Any

import pytest

from funasr_fleet.worker.engine.families.paraformer import read_result
from tests.support.examples import a_word


def test_tokens_are_paired_with_their_times() -> None:
    heard = read_result({"text": "three nine", "timestamp": [[10, 200], [210, 400]]})
    assert heard.text == "three nine"
    assert heard.words == (a_word("three", 10, 200), a_word("nine", 210, 400))


def test_han_characters_are_words_of_their_own_and_stand_without_spaces() -> None:
    heard = read_result({"text": "你 好", "timestamp": [[0, 100], [100, 200]]})
    assert heard.text == "你好"
    assert [word.text for word in heard.words or ()] == ["你", "好"]


@pytest.mark.parametrize(
    "result",
    [
        {"text": "three nine"},
        {"text": "three nine", "timestamp": None},
        {"text": "three nine", "timestamp": []},
        {"text": "three nine", "timestamp": [[0, 1]]},
        {"text": "three nine", "timestamp": [[0, 1], [1, 2], [2, 3]]},
    ],
)
def test_times_that_do_not_fit_the_words_are_left_out_and_the_text_is_kept(
    result: dict[str, Any],
) -> None:
    heard = read_result(result)
    assert (heard.text, heard.words) == ("three nine", None)


def test_a_word_never_ends_before_it_begins() -> None:
    (word,) = read_result({"text": "one", "timestamp": [[300, 200]]}).words or ()
    assert word.start_ms <= word.end_ms
