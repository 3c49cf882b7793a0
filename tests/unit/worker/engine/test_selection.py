"""A fast path that returns other words or other times is disabled."""

import pytest

from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.fast.selection import NEAR_MS, same_words
from funasr_fleet.worker.text.segments import Recognition


def said(text: str, *starts: int) -> Recognition:
    words = tuple(
        Word(text=word, start_ms=start, end_ms=start + 100)
        for word, start in zip(text.split(), starts, strict=True)
    )
    return Recognition(text=text, words=words)


ONE = said("one two", 0, 300)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (said("one two", 0, 300), True),
        (said("one two", 0, 300 + NEAR_MS), True),
        (said("one two", 0, 301 + NEAR_MS), False),
        (said("one three", 0, 300), False),
        (said("one", 0), False),
        (Recognition(text="one two"), False),
    ],
)
def test_words_and_times_are_compared(other: Recognition, *, same: bool) -> None:
    assert same_words([ONE], [other]) is same
    assert same_words([other], [ONE]) is same


def test_the_number_of_clips_is_compared() -> None:
    assert not same_words([ONE], [])
