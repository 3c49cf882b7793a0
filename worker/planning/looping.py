"""Does a text go round in a circle: a phrase over and over, right behind itself.

Searched for directly. Whisper takes a text for a loop whose UTF-8 zlib makes more than 2.4 times
smaller, but that grows with the text and shrinks with its vocabulary: two minutes of digits read
out come to 4.0 without one repetition, and "thanks for watching" in Chinese four times to 2.3.
"""

import re
from itertools import groupby
from operator import eq

from worker.planning.words import split_words

LONGEST_PHRASE = 20
"""Words, or Han or kana characters."""
LEAST_TIMES = 4
"""Announcements and choruses come three times in a row."""
LEAST_WORDS = 16
"""In all of the repetitions: a laugh, "no no no" or a number may well repeat one word fifteen
times."""
MOST = 0.5
"""More than this share of the words belongs to the loop."""
_LONGEST_WORD = 40
"""Letters. What is longer is no word but a loop, or a script without spaces."""
_MARKS = re.compile(r"[\W_]+")


def is_loop(text: str) -> bool:
    """Whether a text is mostly one phrase of up to 20 words, at least four times in a row."""
    words = _spoken(text)
    return any(
        _longest_loop(words, length) > MOST * len(words)
        for length in range(1, min(LONGEST_PHRASE, len(words) // LEAST_TIMES) + 1)
    )


def _spoken(text: str) -> list[str]:
    """Words without case and punctuation; what is too long for a word by its characters."""
    words = filter(None, (_MARKS.sub("", word) for word in split_words(text.casefold())))
    return [part for word in words for part in ([word] if len(word) <= _LONGEST_WORD else word)]


def _longest_loop(words: list[str], length: int) -> int:
    """Words in the longest run of repetitions of a phrase of this length; 0 if it is too short."""
    again = list(map(eq, words, words[length:]))
    least = max(LEAST_WORDS, LEAST_TIMES * length)
    if sum(again) + length < least:
        return 0
    run = max(sum(1 for _ in group) for same, group in groupby(again) if same) + length
    return run if run >= least else 0
