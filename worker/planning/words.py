"""Text -> words and back: a Han or kana character is a word, other scripts are split at spaces."""

import re
from itertools import pairwise

from contract.scripts import HAN, SIGNS, WORD_EACH

_WIDE_LATIN = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_WIDE_MARKS = (
    "\u3000-\u3004\u3008-\u3020\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    "\uffe0-\uffe6"
)
"""Punctuation as wide as a Han character, which brings its own space."""
_OPENING = "(\\[{\u201c\u2018\u00ab\u00bf\u00a1"
_CLOSING = ",.!?;:%)\\]}\u201d\u2019\u00bb\u2026"
_SHARED = "\u2018\u2019\u201c\u201d\u2014\u2026\u00b7"
"""Marks of both worlds: quotation marks, dash, ellipsis, middle dot."""

_WORD = re.compile(rf"[{WORD_EACH}][{SIGNS}]*|[^\s{WORD_EACH}]+")
_IS_HAN = re.compile(rf"[{HAN}]")
_SEAMS = [
    (re.compile(ends + r"\Z"), re.compile(begins))
    for ends, begins in (
        (rf"[{_WIDE_MARKS}]", ""),
        ("", rf"[{_WIDE_MARKS}]"),
        (rf"[{WORD_EACH}][{SIGNS}]*", rf"[{WORD_EACH}{_WIDE_LATIN}{_SHARED}]"),
        (rf"[{_WIDE_LATIN}{_SHARED}]", rf"[{WORD_EACH}]"),
        (rf"[{_OPENING}]", ""),
        ("", rf"[{_CLOSING}]++(?![^\W_{WORD_EACH}])"),  # not the point of .5
    )
]
"""No space belongs between what ends so and what begins so."""
_ENOUGH = 3
"""Characters at the end of a text that decide: a character and the signs that change it."""


def split_words(text: str) -> list[str]:
    """The words of a text, in order; punctuation stays with the word that it touches.

    Thai and other scripts without spaces inside a phrase give one word per phrase.
    """
    return _WORD.findall(text)


def join_texts(texts: list[str]) -> str:
    """Join what was said one after the other, with a space where the scripts want one.

    None between Han or kana characters, none beside full-width punctuation, none before closing
    and after opening marks; one between words of any other script, Hangul and Thai among them,
    and between them and Han or kana.
    """
    said = [stripped for text in texts if (stripped := text.strip())]
    spaces = [" " if _wants_space(before, after) else "" for before, after in pairwise(said)]
    return "".join(part for both in zip(["", *spaces], said, strict=False) for part in both)


def _wants_space(before: str, after: str) -> bool:
    end = before[-_ENOUGH:]
    return not any(ends.search(end) and begins.match(after) for ends, begins in _SEAMS)


def guess_language(text: str) -> str | None:
    """Return zh when Han characters prevail among the words, en for any other words, None for none.

    For recognisers that know these two and do not say which they heard.
    """
    words = split_words(text)
    if not words:
        return None
    han = sum(bool(_IS_HAN.match(word)) for word in words)
    return "zh" if 2 * han >= len(words) else "en"
