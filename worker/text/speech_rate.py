"""Plausible minimum and maximum amounts of text for a duration of speech.

A Han character, kana or Hangul syllable counts as a syllable; letters of other scripts are counted
separately. Digits vary: a single digit read out is a word, but four digits in a sum of money are
hardly longer than one. Sources:

- Coupé, Oh, Dediu and Pellegrino, "Different languages, similar encoding efficiency", Science
  Advances 5 (2019), eaaw2594: reading aloud, 4 to 9 syllables per second in 17 languages.
- Pellegrino, Coupé and Marsico, "A cross-language perspective on speech information rate",
  Language 87 (2011): on average 5.2 syllables per second in Mandarin, 6.2 in English, 7.8 in
  Japanese.
"""

import re

MAX_SYLLABLES_PER_S = 15.0
"""Per second. Nearly twice the average of Japanese, and three times that of Mandarin."""
MAX_LETTERS_PER_S = 40.0
"""Per second, including digits. English has about 2.6 letters per syllable: 6.2 syllables are 16
letters."""
SLACK_S = 0.5
"""VAD may cut speech this much too short."""
MIN_SYLLABLES_PER_S = 1 / 3
"""Per second, including digits. Slower than dictating digits with pauses."""
MIN_LETTERS_PER_S = 1.0
"""Per second. A short word in three seconds."""
LONG_SPEECH_S = 10.0
"""Minimum length for the lower limit: in shorter speech, pauses and laughter dominate."""

_SYLLABLES = re.compile(
    "[\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)


def has_letters(text: str) -> bool:
    """Whether the text has a letter or digit; punctuation alone is not speech."""
    return any(map(str.isalnum, text))


def is_short_enough(text: str, seconds: float) -> bool:
    """Whether the text is short enough to be spoken in this time."""
    syllables, digits, letters = _count(text)
    least_s = syllables / MAX_SYLLABLES_PER_S + (digits + letters) / MAX_LETTERS_PER_S
    return least_s <= seconds + SLACK_S


def is_too_little(text: str, seconds: float) -> bool:
    """Whether the text is too short for this duration; always False below 10 s."""
    syllables, digits, letters = _count(text)
    most_s = (syllables + digits) / MIN_SYLLABLES_PER_S + letters / MIN_LETTERS_PER_S
    return seconds >= LONG_SPEECH_S and most_s < seconds


def _count(text: str) -> tuple[int, int, int]:
    """Numbers of syllables, digits and letters."""
    syllables = len(_SYLLABLES.findall(text))
    digits = sum(map(str.isdecimal, text))
    return syllables, digits, sum(map(str.isalnum, text)) - syllables - digits
