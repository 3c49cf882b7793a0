"""PURE: what became of each file of an evaluation, and the totals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from producer.evaluation.choosing import Metric
from producer.evaluation.counts import Counts
from producer.evaluation.scoring import Score

METRICS: tuple[Metric, ...] = ("wer", "cer")
Outcome = Literal["compared", "missing", "failed", "without_text"]
NOT_COMPARED: tuple[Outcome, ...] = ("missing", "failed", "without_text")


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """What became of one row of the references."""

    relative: str
    """Name of the outputs below the output prefix."""
    outcome: Outcome
    score: Score | None = None
    """Of a file that was compared."""
    reason: str | None = None
    """Why it was not."""

    def to_json(self) -> dict[str, Any]:
        """A row of the document."""
        told = {"metric": self.score.metric, **self.score.counts.to_json()} if self.score else {}
        return {
            "relative": self.relative,
            "outcome": self.outcome,
            **told,
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The outputs of a job against references."""

    rows: tuple[FileResult, ...]
    """In the order of the references."""
    bad_rows: tuple[str, ...] = ()
    """Rows that are no reference, and why."""
    models: tuple[str, ...] = ()
    """What made the outputs that were compared, by their receipts."""

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
        """Those of the files that were compared by it."""
        return [row.score for row in self.rows if row.score and row.score.metric == metric]

    def total(self, metric: Metric) -> Counts:
        """All words and errors together, so that long files weigh more than short ones."""
        return sum((score.counts for score in self.scores(metric)), Counts())

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that files were compared by."""
        return tuple(metric for metric in METRICS if self.scores(metric))

    def worst(self, most: int) -> Sequence[FileResult]:
        """So many of the files with errors at most, that with the highest rate first."""
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
            **{one: self._total_to_json(one) for one in METRICS},
            "rows": [row.to_json() for row in self.rows],
        }

    def _total_to_json(self, metric: Metric) -> dict[str, Any] | None:
        files = len(self.scores(metric))
        return {"files": files, **self.total(metric).to_json()} if files else None


def _badness(row: FileResult) -> tuple[float, int]:
    """Rate, then errors; words heard where nothing was said count as if one had been."""
    counts = row.score.counts if row.score else Counts()
    return counts.errors / max(1, counts.words), counts.errors
