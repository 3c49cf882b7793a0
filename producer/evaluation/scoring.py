"""PURE: the errors between a reference and what was heard."""

from dataclasses import dataclass

from producer.evaluation.choosing import (
    Metric,
    MetricChoice,
    choose_metric,
    choose_units,
    script_of,
)
from producer.evaluation.counts import Counts
from producer.evaluation.normalising import normalise


@dataclass(frozen=True)
class Score:
    """The errors of one file."""

    metric: Metric
    counts: Counts


def score(
    reference: str, heard: str, choice: MetricChoice = "auto", language: str | None = None
) -> Score:
    """Compare two texts; the reference's script, or the language, decides what is counted.

    Where nothing was said, what was heard decides, and all of it is inserted.
    """
    said, got = normalise(reference), normalise(heard)
    script = script_of(said or got, language)
    metric = choose_metric(script, choice)
    cut = choose_units(metric, script)
    return Score(metric, _count(cut(said), cut(got)))


def _count(said: list[str], heard: list[str]) -> Counts:
    """The fewest edits between them (Levenshtein 1966), by jiwer."""
    import jiwer  # here: nothing but an evaluation needs it

    edits = jiwer.process_words(" ".join(said), " ".join(heard))
    return Counts(
        words=len(said),
        substitutions=int(edits.substitutions),
        deletions=int(edits.deletions),
        insertions=int(edits.insertions),
    )
