"""Read references and transcripts in parallel and compare them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from funasr_fleet.contract.language import UnknownLanguage, language_code
from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.producer.arguments import check_choice, check_prefix
from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.errors import OptionsRefused
from funasr_fleet.producer.evaluation.references import Reference, read_references
from funasr_fleet.producer.evaluation.result import Evaluation, FileResult
from funasr_fleet.producer.evaluation.scoring import MetricChoice, score
from funasr_fleet.producer.evaluation.text_rules import FLEET_RULES, NormalizerChoice, TextRules
from funasr_fleet.storage.base import BucketMissing, ObjectDenied, ObjectMissing, ObjectStore
from funasr_fleet.storage.job_documents import DAMAGE
from funasr_fleet.storage.map_ahead import map_ahead
from funasr_fleet.storage.s3 import S3Store


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """The output of one file."""

    outcome: Literal["transcribed", "failed", "missing"]
    text: str = ""
    reason: str | None = None
    """Why there is no text."""
    model: str = ""
    """The model in the receipt of the transcript."""
    language: str | None = None
    """The language of the transcript, as requested or detected."""


def read_hypothesis(store: ObjectStore, output: str, relative: str) -> Hypothesis:
    """Read <output><relative>.json, else its .error.json.

    Access denied counts as missing: without permission to list, S3 denies access to missing keys.

    Raises:
        StoreError: a storage request failed, or the bucket does not exist.
    """
    uri = output_uri(output, relative, "json")
    try:
        return _parse(store.read(uri))
    except BucketMissing:
        raise
    except (ObjectMissing, ObjectDenied) as error:
        return _failure(store, output, relative) or Hypothesis(outcome="missing", reason=str(error))
    except DAMAGE:
        return Hypothesis(outcome="failed", reason=f"{uri} is not a valid transcript")


def _parse(body: bytes) -> Hypothesis:
    document: Any = json.loads(body)
    text = document["text"]
    if not isinstance(text, str):
        raise TypeError
    return Hypothesis(
        outcome="transcribed",
        text=text,
        model=str(document["receipt"]["model"]),
        language=document.get("language"),
    )


def _failure(store: ObjectStore, output: str, relative: str) -> Hypothesis | None:
    try:
        error: Any = json.loads(store.read(error_uri(output, relative)))["error"]
        return Hypothesis(outcome="failed", reason=f"{error['kind']}: {error['message']}")
    except (ObjectMissing, ObjectDenied):
        return None
    except DAMAGE:
        return Hypothesis(outcome="failed", reason="its .error.json is not a valid error report")


_READERS = 16
_AHEAD = 64
"""Outputs that are read ahead."""


def evaluate(  # noqa: PLR0913 - the keywords of a public call
    references: str,
    *,
    output: str,
    metric: MetricChoice = "auto",
    language: str | None = None,
    normalizer: NormalizerChoice = "fleet",
    simplified: bool = False,
    chinese_numbers: bool = False,
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
        normalizer: fleet, or whisper for the rules of openai-whisper: its English normaliser for
            language en, its basic normaliser for all other languages. If neither the row nor the
            call names a language, the language of the transcript is used.
        simplified: whether a traditional Chinese character equals its simplified form.
        chinese_numbers: whether a number in Chinese characters equals the same number in digits.
        store: S3 by default.

    Raises:
        BadArgument: the output is not a prefix, or the metric or the normalizer is unknown.
        BadSource: the references cannot be read, or have no rows or no text.
        OptionsRefused: the language is unknown.
        StoreError: an S3 request failed.
    """
    check_prefix("output", output)
    check_choice("metric", metric, get_args(MetricChoice))
    store, language = store or S3Store(), _language_code(language)
    rules = TextRules(normalizer=normalizer, simplified=simplified, chinese_numbers=chinese_numbers)
    rows: list[FileResult] = []
    bad: list[str] = []
    models: set[str] = set()
    for row, hypothesis in _with_outputs(read_references(references, store), store, output):
        if isinstance(row, BadRow):
            bad.append(str(row))
            continue
        rows.append(compare(row, hypothesis, metric, row.language or language, rules))
        if hypothesis and hypothesis.model:
            models.add(hypothesis.model)
    return Evaluation(
        rows=tuple(rows), bad_rows=tuple(bad), models=tuple(sorted(models)), rules=rules
    )


def _language_code(language: str | None) -> str | None:
    try:
        return language and language_code(language)
    except UnknownLanguage as error:
        raise OptionsRefused(f"language {error}") from None


def compare(
    reference: Reference,
    hypothesis: Hypothesis | None,
    metric: MetricChoice,
    language: str | None,
    rules: TextRules = FLEET_RULES,
) -> FileResult:
    """Compare one reference with its output; `hypothesis` is None for a reference without text."""
    name = reference.relative
    if reference.text is None or hypothesis is None:
        return FileResult(relative=name, outcome="without_text", reason="its row has no text")
    if hypothesis.outcome != "transcribed":
        return FileResult(relative=name, outcome=hypothesis.outcome, reason=hypothesis.reason)
    errors = score(
        reference.text, hypothesis.text, metric, language, rules, transcribed_as=hypothesis.language
    )
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
