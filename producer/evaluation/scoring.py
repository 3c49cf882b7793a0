"""PURE: the errors between a reference text and a transcript."""

from dataclasses import dataclass

from funasr_fleet.producer.evaluation.edit_counts import Counts
from funasr_fleet.producer.evaluation.metric_choice import (
    Metric,
    MetricChoice,
    choose_metric,
    choose_units,
    script_of,
)
from funasr_fleet.producer.evaluation.normalise import normalise


@dataclass(frozen=True)
class Score:
    """The errors of one file."""

    metric: Metric
    counts: Counts


def score(
    reference: str, hypothesis: str, choice: MetricChoice = "auto", language: str | None = None
) -> Score:
    """Compare two texts. The language, else the script of the reference, selects the units.

    If the reference is empty, the script of the hypothesis is used, and all of it is insertions.
    """
    expected, actual = normalise(reference), normalise(hypothesis)
    script = script_of(expected or actual, language)
    metric = choose_metric(script, choice)
    split = choose_units(metric, script)
    return Score(metric, _count(split(expected), split(actual)))


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
