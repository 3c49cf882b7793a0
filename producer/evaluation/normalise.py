"""PURE: normalise a text and split it into words or characters.

The rules apply to references and transcripts, in this order:

1. Zero-width characters are removed.
2. NFKC: full-width letters and digits, ligatures and half-width kana become the usual ones.
3. Case is folded; in Turkish and Azerbaijani, I is the capital of the dotless i.
4. Points inside initials are removed: U.S.A. is one word, p.m. is pm.
5. A symbol that is read aloud is a word of its own: percent, currency signs, plus, minus, equals,
   degrees, &, @ and #. So 50% is two words, as is 50 %, and C++ is three. A hyphen or an en dash is
   a minus only if a number follows and no letter or digit precedes: -5, but not COVID-19 or 2-3.
6. Other punctuation and symbols are word separators and are removed. Exceptions: apostrophes
   inside words (don't), and the point and the thousands comma inside numbers (3.14 and 1,000).
   So well-known is two words.
7. Each run of white space becomes one space.

Numbers, symbols and contractions are not expanded: "3" differs from "three", "1,000" from "1000",
"50%" from "50 percent", and "don't" from "do not". Traditional and simplified characters differ as
well. The rules in text_rules can treat some of these as equal.
"""

import re
import unicodedata
from collections.abc import Callable

from funasr_fleet.contract.unicode_scripts import SIGNS, WORD_EACH

_WORD = re.compile(rf"[{WORD_EACH}][{SIGNS}]*|[^\s{WORD_EACH}]+")
_LETTER = rf"[^\W_{WORD_EACH}]"
_INITIAL = rf"[^\W\d_{WORD_EACH}]"
_WITHIN_INITIALS = re.compile(
    rf"(?<={_INITIAL})(?<!{_LETTER}.)(?<!'.)\.(?={_INITIAL})(?!.{_LETTER})"
)
"""A point between single letters."""
_KEPT_INSIDE = re.compile(rf"(?<={_LETTER})'(?={_LETTER})|(?<=\d)\.(?=\d)|(?<=\d),(?=\d\d\d(?!\d))")
_HELD = {"'": "\ue000", ".": "\ue001", ",": "\ue002"}
"""Private-use characters that replace the kept marks while the other punctuation is removed."""
_DASHES = "\u2010\u2013-"
"""Hyphens and the en dash. NFKC replaces the non-breaking hyphen by one of these hyphens."""
_MINUS = re.compile(
    rf"(?<!{_LETTER})(?<![{_DASHES}])[{_DASHES}]"
    r"(?=[$\u00a2-\u00a5\u20a0-\u20cf]?\.?\d)|\u2212"
)
"""A minus: the minus sign, or one of _DASHES before a number or before a currency sign and a
number."""
_WIDTHLESS = re.compile("[\u180b-\u180d\u20d0-\u20f0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors and combining marks that enclose a symbol; other zero-width characters are
detected by their Unicode category."""


class _Table(dict[int, str]):
    """Code point -> replacement, for str.translate; computed on first use."""

    def __init__(self, known: dict[str, str], replace: Callable[[str, str], str]) -> None:
        super().__init__((ord(character), text) for character, text in known.items())
        self._replace = replace

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = text = self._replace(character, unicodedata.category(character))
        return text


def _plain(character: str, kind: str) -> str:
    """Replace a character before NFKC, which would combine a free-standing accent with a letter."""
    if kind == "Sk":
        return " "
    widthless = (kind[0] == "C" and kind != "Cc") or _WIDTHLESS.match(character)
    return "" if widthless else character


_SILENT = re.compile("[<>|~\u00ac\u2044\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff]")
"""Mathematical symbols that are not read aloud: markup, fraction slash, arrows."""


def _spoken(character: str, kind: str) -> str:
    if kind in ("Sc", "Sm") and not _SILENT.match(character):
        return f" {character} "
    return " " if kind[0] in "PSZ" or kind == "Cc" else character


_PLAIN = _Table(
    {
        **dict.fromkeys("\u2018\u2019\u02bc\uff07\u00b4`", "'"),
        "\uff0c": " ",  # separates numbers; NFKC would turn it into a thousands comma
    },
    _plain,
)
_SPOKEN = _Table(
    {
        **{held: mark for mark, held in _HELD.items()},
        **{symbol: f" {symbol} " for symbol in "%\u2030&@#\u00b0"},
        "\u066a": " % ",
    },
    _spoken,
)
_DOTLESS = ("tr", "az")
"""Language codes whose I is the capital of the dotless i."""


def normalise(text: str, language: str | None = None) -> str:
    """The text, normalised by the rules in the module docstring."""
    plain = unicodedata.normalize("NFKC", text.translate(_PLAIN))
    if language in _DOTLESS:
        plain = plain.replace("I", "\u0131")
    folded = plain.casefold().replace("i\u0307", "i")  # the dot of a capital I with a dot
    joined = _WITHIN_INITIALS.sub("", unicodedata.normalize("NFKC", folded))
    joined = _MINUS.sub(" \u2212 ", joined)
    held = _KEPT_INSIDE.sub(lambda mark: _HELD[mark[0]], joined)
    return " ".join(held.translate(_SPOKEN).split())


def words(normalised: str) -> list[str]:
    """Words of a normalised text: each Han, kana or bopomofo character, else split at spaces."""
    return _WORD.findall(normalised)


def characters(normalised: str) -> list[str]:
    """Characters of a normalised text, without spaces."""
    return list(normalised.replace(" ", ""))
