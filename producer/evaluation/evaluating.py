"""Read references and outputs, many at once, and compare them."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from contract.s3 import S3Store
from contract.store import ObjectStore
from producer.evaluation.choosing import MetricChoice
from producer.evaluation.hearing import Heard, hear
from producer.evaluation.references import read_references
from producer.evaluation.result import Evaluation, FileResult
from producer.evaluation.rows import Reference
from producer.evaluation.scoring import score
from producer.sources.interface import BadRow

_READERS = 16
_AHEAD = 64
"""Outputs that are on their way, or wait to be compared."""


def evaluate(
    references: str,
    *,
    output: str,
    metric: MetricChoice = "auto",
    language: str | None = None,
    store: ObjectStore | None = None,
) -> Evaluation:
    """Word and character errors of the outputs of a job against reference texts.

    Args:
        references: a manifest whose rows have a text; as given to `enqueue`, it meets the same
            outputs.
        output: s3://bucket/prefix/ of the outputs.
        metric: what is counted; auto takes words of scripts that have spaces between them, and
            characters of those that have none.
        language: code of the language of rows that do not tell theirs.
        store: by default S3.

    Raises:
        BadSource: the references cannot be read, or hold no rows or no text.
        StoreError: S3 fails.
    """
    store = store or S3Store()
    rows: list[FileResult] = []
    bad: list[str] = []
    models: set[str] = set()
    for found, heard in _beside_outputs(read_references(references, store), store, output):
        if isinstance(found, BadRow):
            bad.append(str(found))
            continue
        rows.append(compare(found, heard, metric, found.language or language))
        if heard and heard.model:
            models.add(heard.model)
    return Evaluation(rows=tuple(rows), bad_rows=tuple(bad), models=tuple(sorted(models)))


def compare(
    reference: Reference, heard: Heard | None, metric: MetricChoice, language: str | None
) -> FileResult:
    """What becomes of one row; nothing is heard of one without text."""
    name = reference.relative
    if reference.text is None or heard is None:
        return FileResult(relative=name, outcome="without_text", reason="its row has no text")
    if heard.outcome != "transcribed":
        return FileResult(relative=name, outcome=heard.outcome, reason=heard.reason)
    errors = score(reference.text, heard.text, metric, language)
    return FileResult(relative=name, outcome="compared", score=errors)


_Pair = tuple[Reference | BadRow, Heard | None]


def _beside_outputs(
    found: Iterable[Reference | BadRow], store: ObjectStore, output: str
) -> Iterator[_Pair]:
    """Every row in order, with its output if it has a text; some outputs are read ahead."""
    coming: deque[tuple[Reference | BadRow, Future[Heard] | None]] = deque()
    with ThreadPoolExecutor(_READERS, "evaluate") as readers:
        try:
            for one in found:
                wanted = isinstance(one, Reference) and one.text is not None
                name = one.relative if isinstance(one, Reference) else ""
                reading = readers.submit(hear, store, output, name) if wanted else None
                coming.append((one, reading))
                if len(coming) > _AHEAD:
                    yield _arrived(*coming.popleft())
            while coming:
                yield _arrived(*coming.popleft())
        finally:
            readers.shutdown(wait=False, cancel_futures=True)


def _arrived(one: Reference | BadRow, reading: "Future[Heard] | None") -> _Pair:
    return one, reading.result() if reading else None
