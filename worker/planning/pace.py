"""How much people can say in a time, and how little.

Han characters, kana and Hangul syllables are each about a syllable; letters of other scripts are
not, and are counted apart. Digits are in between: one is a word when it is read out, and four are
hardly more than one in a sum of money. Sources:

- Coupé, Oh, Dediu and Pellegrino, "Different languages, similar encoding efficiency", Science
  Advances 5 (2019), eaaw2594: people who read aloud say 4 to 9 syllables a second in 17 languages.
- Pellegrino, Coupé and Marsico, "A cross-language perspective on speech information rate",
  Language 87 (2011): on average 5.2 syllables a second in Mandarin, 6.2 in English, 7.8 in
  Japanese.
"""

import re

FASTEST_SYLLABLES = 15.0
"""A second. Nearly twice Japanese and three times Mandarin as it is read aloud."""
FASTEST_LETTERS = 40.0
"""A second; with digits. English has about 2.6 letters a syllable, so 6.2 syllables make 16."""
SLACK_S = 0.5
"""A detector may find a stretch that much too short."""
SLOWEST_SYLLABLES = 1 / 3
"""A second; with digits. Slower than one who dictates and waits for each number."""
SLOWEST_LETTERS = 1.0
"""A second. A short word in three seconds."""
LONG_S = 10.0
"""Below this, a pause or a laugh says nothing about the text."""

_SYLLABLES = re.compile(
    "[\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)


def says_something(text: str) -> bool:
    """Whether there is a letter or digit in it: a full stop alone was not spoken."""
    return any(map(str.isalnum, text))


def could_be_said(text: str, seconds: float) -> bool:
    """Whether somebody may have said so much in this time."""
    syllables, digits, letters = _count(text)
    least_s = syllables / FASTEST_SYLLABLES + (digits + letters) / FASTEST_LETTERS
    return least_s <= seconds + SLACK_S


def is_too_little(text: str, seconds: float) -> bool:
    """Whether nobody speaks for so long to say so little; never of a stretch below 10 s."""
    syllables, digits, letters = _count(text)
    most_s = (syllables + digits) / SLOWEST_SYLLABLES + letters / SLOWEST_LETTERS
    return seconds >= LONG_S and most_s < seconds


def _count(text: str) -> tuple[int, int, int]:
    """How many syllables, digits and letters."""
    syllables = len(_SYLLABLES.findall(text))
    digits = sum(map(str.isdecimal, text))
    return syllables, digits, sum(map(str.isalnum, text)) - syllables - digits
