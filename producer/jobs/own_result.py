"""The outcome of a file according to its result, if this job wrote it."""

import json
from dataclasses import dataclass
from typing import Any

from funasr_fleet.contract.layout import output_uri
from funasr_fleet.contract.result_summary import length_ms, outcome_of, warnings_of
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore
from funasr_fleet.storage.job_documents import DAMAGE


@dataclass(frozen=True)
class OwnResult:
    """What the worker would have recorded for the file at the end of its shard."""

    outcome: Outcome
    audio_ms: int
    warnings: tuple[str, ...]


def read_own_result(store: ObjectStore, output: str, job: str, relative: str) -> OwnResult | None:
    """The outcome of a file, from its result; None if another job wrote it, or it is unreadable.

    Raises:
        StoreUnavailable: an S3 request failed.
    """
    try:
        document = json.loads(store.read(output_uri(output, relative, "json")))
        return _parse(document) if document["receipt"]["job"] == job else None
    except (ObjectMissing, ObjectDenied, *DAMAGE):
        return None


def _parse(document: Any) -> OwnResult:
    return OwnResult(
        outcome=outcome_of(document),
        audio_ms=length_ms(document),
        warnings=warnings_of(document),
    )
