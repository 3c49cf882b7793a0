"""PURE: a text without what nobody says, and the words or characters that are counted.

The rules, in this order; they are the same for the reference and for what was heard:

1. What has no width is dropped.
2. NFKC: full-width letters and digits, ligatures and half-width kana become the usual ones.
3. Case is folded.
4. Points inside initials are dropped: U.S.A. is one word, p.m. is pm.
5. Punctuation and symbols part words and are dropped, but for apostrophes inside words (don't)
   and for the point and the thousands' comma inside numbers (3.14 and 1,000 stay as they are).
   So well-known is two words.
6. White space is one space.

Nothing is spelt out or shortened: "3" is not "three", "1,000" is not "1000", and "don't" is not
"do not". Nor are traditional and simplified characters the same.
"""

import re
import unicodedata
from collections.abc import Callable

from contract.scripts import SIGNS, WORD_EACH

_WORD = re.compile(rf"[{WORD_EACH}][{SIGNS}]*|[^\s{WORD_EACH}]+")
_LETTER = rf"[^\W_{WORD_EACH}]"
_INITIAL = rf"[^\W\d_{WORD_EACH}]"
_WITHIN_INITIALS = re.compile(
    rf"(?<={_INITIAL})(?<!{_LETTER}.)(?<!'.)\.(?={_INITIAL})(?!.{_LETTER})"
)
"""A point between letters that stand alone."""
_KEPT_INSIDE = re.compile(rf"(?<={_LETTER})'(?={_LETTER})|(?<=\d)\.(?=\d)|(?<=\d),(?=\d\d\d(?!\d))")
_HELD = {"'": "\ue000", ".": "\ue001", ",": "\ue002"}
"""Characters for private use, as which the marks that are kept outlast the others."""
_WIDTHLESS = re.compile("[\u180b-\u180d\u20d0-\u20f0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Which form of a character is meant, and what is drawn around it; others are told by category."""


class _Table(dict[int, str]):
    """Code of a character -> what becomes of it; filled as characters are met."""

    def __init__(self, known: dict[str, str], become: Callable[[str, str], str]) -> None:
        super().__init__((ord(character), left) for character, left in known.items())
        self._become = become

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = left = self._become(character, unicodedata.category(character))
        return left


def _plain(character: str, kind: str) -> str:
    """What must be settled before NFKC, which joins letters with accents, also free ones."""
    if kind == "Sk":
        return " "
    widthless = (kind[0] == "C" and kind != "Cc") or _WIDTHLESS.match(character)
    return "" if widthless else character


def _spoken(character: str, kind: str) -> str:
    return " " if kind[0] in "PSZ" or kind == "Cc" else character


_PLAIN = _Table(
    {
        **dict.fromkeys("\u2018\u2019\u02bc\uff07\u00b4`", "'"),
        "\uff0c": " ",  # a full-width comma parts numbers; NFKC makes it one that may group digits
    },
    _plain,
)
_SPOKEN = _Table({held: mark for mark, held in _HELD.items()}, _spoken)


def normalise(text: str) -> str:
    """The text by the rules above."""
    plain = unicodedata.normalize("NFKC", text.translate(_PLAIN)).casefold()
    joined = _WITHIN_INITIALS.sub("", unicodedata.normalize("NFKC", plain))
    held = _KEPT_INSIDE.sub(lambda mark: _HELD[mark[0]], joined)
    return " ".join(held.translate(_SPOKEN).split())


def words(normalised: str) -> list[str]:
    """A Han, kana or bopomofo character is a word; all else is split at spaces."""
    return _WORD.findall(normalised)


def characters(normalised: str) -> list[str]:
    """Every character but spaces."""
    return list(normalised.replace(" ", ""))
