"""Detect text that loops: one phrase repeated many times in a row.

Repetitions are searched for directly. Whisper instead uses a zlib compression ratio above 2.4, but
the ratio depends on the length and vocabulary of the text: two minutes of digits read out reach 4.0
without a repetition, and "thanks for watching" in Chinese, four times, only 2.3.
"""

import re
from itertools import groupby
from operator import eq

from funasr_fleet.worker.text.tokens import split_words

LONGEST_PHRASE = 20
"""Maximum length of the repeated phrase, in words, or in Han or kana characters."""
MIN_TIMES = 4
"""Minimum number of repetitions; announcements and choruses are repeated three times in a row."""
MIN_WORDS = 16
"""Minimum number of words in all repetitions; a laugh, "no no no" or a number may repeat one word
fifteen times."""
LOOP_SHARE = 0.5
"""The loop must contain more than this share of the words."""
_LONGEST_WORD = 40
"""Maximum letters of a word; a longer one is a loop, or a script without spaces."""
_MARKS = re.compile(r"[\W_]+")


def is_loop(text: str) -> bool:
    """Whether a text is mostly one phrase of up to 20 words, at least four times in a row."""
    words = _words(text)
    return any(
        _longest_loop(words, length) > LOOP_SHARE * len(words)
        for length in range(1, min(LONGEST_PHRASE, len(words) // MIN_TIMES) + 1)
    )


def _words(text: str) -> list[str]:
    """Words without case and punctuation; a string too long for a word is split into characters."""
    words = filter(None, (_MARKS.sub("", word) for word in split_words(text.casefold())))
    return [part for word in words for part in ([word] if len(word) <= _LONGEST_WORD else word)]


def _longest_loop(words: list[str], length: int) -> int:
    """Words in the longest run of repetitions of a phrase of this length; 0 if it is too short."""
    repeats = list(map(eq, words, words[length:]))
    min_words = max(MIN_WORDS, MIN_TIMES * length)
    if sum(repeats) + length < min_words:
        return 0
    run = max(sum(1 for _ in group) for repeated, group in groupby(repeats) if repeated) + length
    return run if run >= min_words else 0
