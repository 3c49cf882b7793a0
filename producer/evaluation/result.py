"""PURE: the result of each file of an evaluation, and the totals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from funasr_fleet.producer.evaluation.scoring import Counts, Metric, Score
from funasr_fleet.producer.evaluation.text_rules import FLEET_RULES, TextRules

METRICS: tuple[Metric, ...] = ("wer", "cer")
Outcome = Literal["compared", "missing", "failed", "without_text"]
NOT_COMPARED: tuple[Outcome, ...] = ("missing", "failed", "without_text")


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """The result of one row of the references."""

    relative: str
    """Name of the outputs below the output prefix."""
    outcome: Outcome
    score: Score | None = None
    """Score of a compared file; else None."""
    reason: str | None = None
    """Why the file was not compared."""

    def to_json(self) -> dict[str, Any]:
        """One of the `rows` of Evaluation.to_json."""
        scores = {"metric": self.score.metric, **self.score.counts.to_json()} if self.score else {}
        return {
            "relative": self.relative,
            "outcome": self.outcome,
            **scores,
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The results of comparing the outputs of a job with references."""

    rows: tuple[FileResult, ...]
    """Results in the order of the references."""
    bad_rows: tuple[str, ...] = ()
    """Invalid rows of the references, with their reasons."""
    models: tuple[str, ...] = ()
    """Models in the receipts of the compared outputs."""
    rules: TextRules = FLEET_RULES
    """How the texts were compared."""

    @property
    def whole(self) -> bool:
        """Whether every row of the references was compared."""
        return not self.bad_rows and not self.left_out

    @property
    def left_out(self) -> Sequence[FileResult]:
        """Files that were not compared."""
        return [row for row in self.rows if not row.score]

    def count(self, outcome: Outcome) -> int:
        """How many files have this outcome."""
        return sum(row.outcome == outcome for row in self.rows)

    def scores(self, metric: Metric) -> Sequence[Score]:
        """Scores of the files that were compared with this metric."""
        return [row.score for row in self.rows if row.score and row.score.metric == metric]

    def total(self, metric: Metric) -> Counts:
        """Sum of all words and errors, so files are weighted by their length."""
        return sum((score.counts for score in self.scores(metric)), Counts())

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Metrics that were used for at least one file."""
        return tuple(metric for metric in METRICS if self.scores(metric))

    def worst(self, most: int) -> Sequence[FileResult]:
        """At most this many files with errors, the highest error rate first."""
        wrong = [row for row in self.rows if row.score and row.score.counts.errors]
        return sorted(wrong, key=_badness, reverse=True)[:most]

    def to_json(self) -> dict[str, Any]:
        """The document of `fleet evaluate --json`."""
        return {
            "files": len(self.rows),
            "compared": self.count("compared"),
            **{outcome: self.count(outcome) for outcome in NOT_COMPARED},
            "bad_rows": len(self.bad_rows),
            "models": self.models,
            "metrics": self.metrics,
            **asdict(self.rules),
            **{one: self._total_to_json(one) for one in METRICS},
            "rows": [row.to_json() for row in self.rows],
        }

    def _total_to_json(self, metric: Metric) -> dict[str, Any] | None:
        files = len(self.scores(metric))
        return {"files": files, **self.total(metric).to_json()} if files else None


def _badness(row: FileResult) -> tuple[float, int]:
    """Sort key: (error rate, errors). A reference without words counts as one word."""
    counts = row.score.counts if row.score else Counts()
    return counts.errors / max(1, counts.words), counts.errors
