"""The rules by which texts are compared: the normaliser, and what counts as equal in Chinese.

The libraries of the extra `evaluate` are imported when a rule needs them.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from funasr_fleet.producer.arguments import check_choice
from funasr_fleet.producer.evaluation.normalise import normalise

NormalizerChoice = Literal["fleet", "whisper"]
Normaliser = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class TextRules:
    """How the texts of an evaluation are compared.

    Raises:
        BadArgument: the normalizer is unknown.
    """

    normalizer: NormalizerChoice = "fleet"
    """fleet: the rules of normalise.py. whisper: those of openai-whisper, used in most published
    figures."""
    simplified: bool = False
    """Whether a traditional Chinese character equals its simplified form."""
    chinese_numbers: bool = False
    """Whether a number in Chinese characters equals the same number in digits."""

    def __post_init__(self) -> None:
        check_choice("normalizer", self.normalizer, get_args(NormalizerChoice))


FLEET_RULES = TextRules()

_LONGEST_NUMBER = 100
"""cn2an does not get longer numbers, and whisper_normalizer gets them in parts of this length: both
take time that grows with the square of the length, and the latter fails at 4,300 digits."""
_LONG_DIGITS = re.compile(rf"\d{{{_LONGEST_NUMBER}}}(?=\d)")
_LONG_SPACE = re.compile(rf"\s{{{_LONGEST_NUMBER},}}")
_LONG_CHINESE = re.compile(
    rf"([\d.〇零一二两三四五六七八九十百千万亿点]{{{_LONGEST_NUMBER + 1},}})"
)


def convert_chinese(text: str, rules: TextRules) -> str:
    """The text in simplified characters and with numbers in digits, if the rules say so."""
    if rules.simplified:
        text = _to_simplified().convert(text)
    return _to_digits(text) if rules.chinese_numbers else text


@cache
def _to_simplified() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def _to_digits(text: str) -> str:
    import cn2an

    parts = _LONG_CHINESE.split(text)  # every second part is a long number
    with warnings.catch_warnings(action="ignore"):  # cn2an warns of unchanged numbers
        parts[::2] = [str(cn2an.transform(part, "cn2an")) for part in parts[::2]]
    return "".join(parts)


def normaliser(choice: NormalizerChoice, language: str | None, *, letters: bool) -> Normaliser:
    """The function that normalises texts.

    Args:
        choice: fleet or whisper; see TextRules.
        language: language of the text, if known.
        letters: whether openai-whisper's basic normaliser separates all letters, as for CER.
    """
    if choice == "whisper":
        return _whisper_normaliser(language == "en", letters)
    return lambda text: normalise(text, language)


@cache
def _whisper_normaliser(english: bool, letters: bool) -> Normaliser:
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer

    made: Normaliser = (
        EnglishTextNormalizer() if english else BasicTextNormalizer(split_letters=letters)
    )
    return lambda text: made(_LONG_SPACE.sub(" ", _LONG_DIGITS.sub(r"\g<0> ", text)))
