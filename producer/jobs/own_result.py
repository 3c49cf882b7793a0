"""The outcome of a file according to its result, if this job wrote it."""

import json
from dataclasses import dataclass
from typing import Any, get_args

from funasr_fleet.contract.layout import output_uri
from funasr_fleet.contract.transcript import Outcome, WarningKind
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, ObjectStore


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
    except (ObjectMissing, ObjectDenied, ValueError, KeyError, TypeError, AttributeError):
        return None


def _parse(document: Any) -> OwnResult:
    audio, warnings = document["audio"], document.get("warnings", ())
    return OwnResult(
        outcome="ok" if document["segments"] else "empty",
        audio_ms=(audio["end_ms"] or 0) - (audio["start_ms"] or 0),
        warnings=tuple(kind for kind in get_args(WarningKind) if kind in warnings),
    )
