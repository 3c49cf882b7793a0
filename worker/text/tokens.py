"""Split text into words and join texts.

A Han or kana character is a word; other scripts are split at spaces.
"""

import re
from itertools import pairwise

from funasr_fleet.contract.unicode_scripts import HAN, SIGNS, WORD_EACH

_WIDE_LATIN = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_WIDE_MARKS = (
    "\u3000-\u3004\u3008-\u3020\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    "\uffe0-\uffe6"
)
"""Full-width punctuation, which includes its own space."""
_OPENING = "(\\[{\u201c\u2018\u00ab\u00bf\u00a1"
_CLOSING = ",.!?;:%)\\]}\u201d\u2019\u00bb\u2026"
_COMMON_MARKS = "\u2018\u2019\u201c\u201d\u2014\u2026\u00b7"
"""Marks used with both CJK and Latin text: quotation marks, dash, ellipsis, middle dot."""

_WORD = re.compile(rf"[{WORD_EACH}][{SIGNS}]*|[^\s{WORD_EACH}]+")
_IS_HAN = re.compile(rf"[{HAN}]")
_NO_SPACE_BETWEEN = [
    (re.compile(ends + r"\Z"), re.compile(begins))
    for ends, begins in (
        (rf"[{_WIDE_MARKS}]", ""),
        ("", rf"[{_WIDE_MARKS}]"),
        (rf"[{WORD_EACH}][{SIGNS}]*", rf"[{WORD_EACH}{_WIDE_LATIN}{_COMMON_MARKS}]"),
        (rf"[{_WIDE_LATIN}{_COMMON_MARKS}]", rf"[{WORD_EACH}]"),
        (rf"[{_OPENING}]", ""),
        ("", rf"[{_CLOSING}]++(?![^\W_{WORD_EACH}])"),  # not the point of .5
    )
]
"""(end of a text, beginning of the next): no space is inserted between matching texts."""
_TAIL_CHARACTERS = 3
"""Characters to match at the end of a text: a character and its combining signs."""


def split_words(text: str) -> list[str]:
    """Split a text into words, in order; punctuation stays with the adjacent word.

    In Thai and other scripts without spaces between words, a phrase is one word.
    """
    return _WORD.findall(text)


def join_texts(texts: list[str]) -> str:
    """Join consecutive texts, with a space where the scripts require one.

    There is no space between Han or kana characters, next to full-width punctuation, before
    closing marks, or after opening marks. There is a space between words of any other script,
    including Hangul and Thai, and between these and Han or kana.
    """
    stripped = list(filter(None, map(str.strip, texts)))
    spaces = [" " if _wants_space(before, after) else "" for before, after in pairwise(stripped)]
    return "".join(part for pair in zip(["", *spaces], stripped, strict=False) for part in pair)


def _wants_space(before: str, after: str) -> bool:
    tail = before[-_TAIL_CHARACTERS:]
    return not any(ends.search(tail) and begins.match(after) for ends, begins in _NO_SPACE_BETWEEN)


def guess_language(text: str) -> str | None:
    """Return zh if at least half of the words are Han characters, en for other text, None for none.

    For bilingual recognisers that do not report the language.
    """
    words = split_words(text)
    if not words:
        return None
    han = sum(bool(_IS_HAN.match(word)) for word in words)
    return "zh" if 2 * han >= len(words) else "en"
