"""Read references and transcripts in parallel and compare them."""

from collections.abc import Iterable, Iterator

from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.evaluation.metric_choice import MetricChoice
from funasr_fleet.producer.evaluation.read_hypotheses import Hypothesis, read_hypothesis
from funasr_fleet.producer.evaluation.references import read_references
from funasr_fleet.producer.evaluation.result import Evaluation, FileResult
from funasr_fleet.producer.evaluation.rows import Reference
from funasr_fleet.producer.evaluation.scoring import score
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.map_ahead import map_ahead
from funasr_fleet.storage.s3 import S3Store

_READERS = 16
_AHEAD = 64
"""Outputs that are read ahead."""


def evaluate(
    references: str,
    *,
    output: str,
    metric: MetricChoice = "auto",
    language: str | None = None,
    store: ObjectStore | None = None,
) -> Evaluation:
    """Compare the outputs of a job with reference texts: word or character error rates.

    Args:
        references: a manifest whose rows have a `text`. It can be the manifest given to `enqueue`:
            rows are matched with outputs by the same names.
        output: s3://bucket/prefix/ of the outputs.
        metric: wer or cer; auto selects WER for scripts with spaces between words and CER for
            scripts without.
        language: language code for rows that have none.
        store: S3 by default.

    Raises:
        BadSource: the references cannot be read, or have no rows or no text.
        StoreError: an S3 request failed.
    """
    store = store or S3Store()
    rows: list[FileResult] = []
    bad: list[str] = []
    models: set[str] = set()
    for row, hypothesis in _with_outputs(read_references(references, store), store, output):
        if isinstance(row, BadRow):
            bad.append(str(row))
            continue
        rows.append(compare(row, hypothesis, metric, row.language or language))
        if hypothesis and hypothesis.model:
            models.add(hypothesis.model)
    return Evaluation(rows=tuple(rows), bad_rows=tuple(bad), models=tuple(sorted(models)))


def compare(
    reference: Reference, hypothesis: Hypothesis | None, metric: MetricChoice, language: str | None
) -> FileResult:
    """Compare one reference with its output; `hypothesis` is None for a reference without text."""
    name = reference.relative
    if reference.text is None or hypothesis is None:
        return FileResult(relative=name, outcome="without_text", reason="its row has no text")
    if hypothesis.outcome != "transcribed":
        return FileResult(relative=name, outcome=hypothesis.outcome, reason=hypothesis.reason)
    errors = score(reference.text, hypothesis.text, metric, language)
    return FileResult(relative=name, outcome="compared", score=errors)


_Pair = tuple[Reference | BadRow, Hypothesis | None]


def _with_outputs(
    found: Iterable[Reference | BadRow], store: ObjectStore, output: str
) -> Iterator[_Pair]:
    """Every row in order, with its output if it has a text; threads read outputs ahead."""

    def read(one: Reference | BadRow) -> _Pair:
        if isinstance(one, BadRow) or one.text is None:
            return one, None
        return one, read_hypothesis(store, output, one.relative)

    return map_ahead(read, found, threads=_READERS, ahead=_AHEAD)
