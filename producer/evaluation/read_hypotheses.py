"""Read the output of one file from S3: a transcript, an error report, or nothing."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.storage.base import BucketMissing, ObjectDenied, ObjectMissing, ObjectStore


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """The output of one file."""

    outcome: Literal["transcribed", "failed", "missing"]
    text: str = ""
    reason: str | None = None
    """Why there is no text."""
    model: str = ""
    """The model in the receipt of the transcript."""


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
    except (ValueError, KeyError, TypeError):
        return Hypothesis(outcome="failed", reason=f"{uri} is not a valid transcript")


def _parse(body: bytes) -> Hypothesis:
    document: Any = json.loads(body)
    text = document["text"]
    if not isinstance(text, str):
        raise TypeError
    return Hypothesis(outcome="transcribed", text=text, model=str(document["receipt"]["model"]))


def _failure(store: ObjectStore, output: str, relative: str) -> Hypothesis | None:
    try:
        error: Any = json.loads(store.read(error_uri(output, relative)))["error"]
        return Hypothesis(outcome="failed", reason=f"{error['kind']}: {error['message']}")
    except (ObjectMissing, ObjectDenied):
        return None
    except (ValueError, KeyError, TypeError):
        return Hypothesis(outcome="failed", reason="its .error.json is not a valid error report")
