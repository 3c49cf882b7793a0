"""The tokens of the demo model: ten digits in two languages, and four marks."""

from typing import Literal, get_args

Language = Literal["en", "zh"]

LANGUAGES: tuple[Language, ...] = get_args(Language)

DIGIT_WORDS: dict[Language, tuple[str, ...]] = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "zh": tuple("零一二三四五六七八九"),
}
"""Word of each digit; the position is the digit."""

MARKS = ("<blank>", "<s>", "</s>")
"""Blank of CTC, start and end of sentence: identifiers 0, 1, 2, as in FunASR's Paraformers."""

TOKENS: tuple[str, ...] = (*MARKS, *DIGIT_WORDS["en"], *DIGIT_WORDS["zh"], "<unk>")
"""One whole word per token, in the order of their identifiers."""


def token_ids(digits: tuple[int, ...], language: Language) -> list[int]:
    """Return the token identifiers of a sequence of digits."""
    first = TOKENS.index(DIGIT_WORDS[language][0])
    return [first + digit for digit in digits]


def transcript(digits: tuple[int, ...], language: Language) -> str:
    """Return FunASR's text for these digits: English words separated, Han characters joined."""
    separator = " " if language == "en" else ""
    return separator.join(DIGIT_WORDS[language][digit] for digit in digits)
