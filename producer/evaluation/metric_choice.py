"""PURE: select WER or CER by the script of a text or by its language."""

import re
from collections.abc import Callable
from typing import Literal

from funasr_fleet.contract.unicode_scripts import PHRASES, WORD_EACH
from funasr_fleet.producer.evaluation.normalise import characters, words

Metric = Literal["wer", "cer"]
"""Word or character error rate."""
MetricChoice = Literal["auto", "wer", "cer"]
Script = Literal["han_and_kana", "without_spaces", "spaced"]

_LANGUAGES: dict[str, Script] = {
    **dict.fromkeys(("zh", "cmn", "yue", "wuu", "nan", "hak", "ja"), "han_and_kana"),
    **dict.fromkeys(("th", "lo", "km", "my"), "without_spaces"),
}
_HAN_OR_KANA = re.compile(f"[{WORD_EACH}]")
_WITHOUT_SPACES = re.compile(f"[{PHRASES}]")


def script_of(normalised: str, language: str | None = None) -> Script:
    """The script of most words of a text.

    Args:
        normalised: the normalised text.
        language: a code such as zh or zh-CN, which takes precedence; auto means none.
    """
    code = (language or "auto").lower().replace("_", "-").partition("-")[0]
    if code != "auto":
        return _LANGUAGES.get(code, "spaced")
    found = words(normalised)
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
