"""PURE: the errors between a reference text and a transcript, in words or in characters."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from funasr_fleet.contract.unicode_scripts import PHRASES, WORD_EACH
from funasr_fleet.producer.evaluation.normalise import characters, normalise, words
from funasr_fleet.producer.evaluation.text_rules import (
    FLEET_RULES,
    TextRules,
    convert_chinese,
    normaliser,
)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Edit counts between references and transcripts. For CER, the unit is characters."""

    words: int = 0
    """Words in the references."""
    substitutions: int = 0
    deletions: int = 0
    """Words of the references that are missing in the transcripts."""
    insertions: int = 0
    """Words of the transcripts that are not in the references."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            words=self.words + other.words,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """Sum of substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors / words. Above 1 with many insertions; None if the references have no words."""
        return self.errors / self.words if self.words else None

    def to_json(self) -> dict[str, Any]:
        """All counts and the rate."""
        return {**asdict(self), "errors": self.errors, "rate": self.rate}


Metric = Literal["wer", "cer"]
"""Word or character error rate."""
MetricChoice = Literal["auto", "wer", "cer"]
Script = Literal["han_and_kana", "without_spaces", "spaced"]

_LANGUAGES: dict[str, Script] = {
    **dict.fromkeys(("zh", "yue", "wuu", "nan", "hak", "ja"), "han_and_kana"),
    **dict.fromkeys(("th", "lo", "km", "my"), "without_spaces"),
}
_HAN_OR_KANA = re.compile(f"[{WORD_EACH}]")
_WITHOUT_SPACES = re.compile(f"[{PHRASES}]")
_LETTER_OR_DIGIT = re.compile(r"\w")


def script_of(normalised: str, language: str | None = None) -> Script:
    """The script of most words of a text.

    Args:
        normalised: the normalised text.
        language: a code of contract.language, which takes precedence.
    """
    if language is not None:
        return _LANGUAGES.get(language, "spaced")
    found = [word for word in words(normalised) if _LETTER_OR_DIGIT.search(word)]
    if 2 * sum(bool(_HAN_OR_KANA.match(word)) for word in found) >= max(1, len(found)):
        return "han_and_kana"
    if 2 * sum(bool(_WITHOUT_SPACES.search(word)) for word in found) >= max(1, len(found)):
        return "without_spaces"
    return "spaced"


def choose_metric(script: Script, choice: MetricChoice = "auto") -> Metric:
    """The chosen metric; for auto, the usual metric of the script."""
    if choice != "auto":
        return choice
    return "wer" if script == "spaced" else "cer"


def choose_units(metric: Metric, script: Script) -> Callable[[str], list[str]]:
    """The function that splits a normalised text into the units that are counted.

    For Han and kana, each character is a unit with either metric, and Latin words among them are
    one unit each.
    """
    return words if metric == "wer" or script == "han_and_kana" else characters


@dataclass(frozen=True)
class Score:
    """The errors of one file."""

    metric: Metric
    counts: Counts


def score(
    reference: str,
    hypothesis: str,
    choice: MetricChoice = "auto",
    language: str | None = None,
    rules: TextRules = FLEET_RULES,
    transcribed_as: str | None = None,
) -> Score:
    """Compare two texts. The language, else the script of the reference, selects the units.

    If the reference is empty, the script of the hypothesis is used, and all of it is insertions.
    Without a language, the language of the transcript (`transcribed_as`) selects openai-whisper's
    normaliser. It does not select the units, since a model may have detected it wrongly.
    """
    texts = convert_chinese(reference, rules), convert_chinese(hypothesis, rules)
    script = script_of(normalise(texts[0]) or normalise(texts[1]), language)
    metric = choose_metric(script, choice)
    if rules.normalizer == "whisper":
        language = language or transcribed_as
    normalised = map(normaliser(rules.normalizer, language, letters=metric == "cer"), texts)
    split = _choose_split(rules, metric, script, language)
    expected, actual = map(split, normalised)
    return Score(metric, _count(expected, actual))


def _choose_split(
    rules: TextRules, metric: Metric, script: Script, language: str | None
) -> Callable[[str], list[str]]:
    """The function that splits a normalised text into the units to count.

    For CER, openai-whisper's basic normaliser has already separated the letters by spaces.
    """
    if rules.normalizer == "fleet":
        return choose_units(metric, script)
    return characters if metric == "cer" and language == "en" else str.split


def _count(expected: list[str], actual: list[str]) -> Counts:
    """The minimum number of edits between them (Levenshtein 1966), by jiwer."""
    import jiwer  # here: only evaluation needs it

    edits = jiwer.process_words(" ".join(expected), " ".join(actual))
    return Counts(
        words=len(expected),
        substitutions=int(edits.substitutions),
        deletions=int(edits.deletions),
        insertions=int(edits.insertions),
    )
