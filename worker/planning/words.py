"""Text -> words: a Han or kana character is a word, other scripts are split at spaces."""

import re

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_STOPS = "\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
"""Ideographic comma and full stop; full-width exclamation mark, comma, colons, question mark."""
_ENDS_TIGHT = re.compile(rf"[{_CJK}{_STOPS}]$")
_BEGINS_TIGHT = re.compile(rf"^[{_CJK}{_STOPS}]")


def split_words(text: str) -> list[str]:
    """The words of a text, in order."""
    return _WORD.findall(text)


def join_texts(texts: list[str]) -> str:
    """Join what was said one after the other: no space between CJK characters, one elsewhere."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        tight = not joined or (_ENDS_TIGHT.search(joined) and _BEGINS_TIGHT.search(text))
        joined += text if tight else f" {text}"
    return joined


def guess_language(text: str) -> str | None:
    """Return zh when Han characters prevail among the words, en for any other words, None for none.

    For recognisers that know these two and do not say which they heard.
    """
    words = split_words(text)
    if not words:
        return None
    han = sum(bool(_HAN.match(word)) for word in words)
    return "zh" if 2 * han >= len(words) else "en"
