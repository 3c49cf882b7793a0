"""What lies in S3 for one file: a transcript, the reason why it failed, or nothing."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from contract.layout import error_uri, output_uri
from contract.store import BucketMissing, ObjectDenied, ObjectMissing, ObjectStore


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The output of one file."""

    outcome: Literal["transcribed", "failed", "missing"]
    text: str = ""
    reason: str | None = None
    """Why there is no text."""
    model: str = ""
    """What made the transcript, by its receipt."""


def hear(store: ObjectStore, output: str, relative: str) -> Heard:
    """Read <output><relative>.json, else its .error.json.

    What may not be read counts as missing: S3 denies what is not there to those who may not list.

    Raises:
        StoreError: storage fails, or there is no such bucket.
    """
    uri = output_uri(output, relative, "json")
    try:
        return _heard(store.read(uri))
    except BucketMissing:
        raise
    except (ObjectMissing, ObjectDenied) as error:
        return _failure(store, output, relative) or Heard(outcome="missing", reason=str(error))
    except (ValueError, KeyError, TypeError):
        return Heard(outcome="failed", reason=f"{uri} is no transcript")


def _heard(body: bytes) -> Heard:
    document: Any = json.loads(body)
    text = document["text"]
    if not isinstance(text, str):
        raise TypeError
    return Heard(outcome="transcribed", text=text, model=str(document["receipt"]["model"]))


def _failure(store: ObjectStore, output: str, relative: str) -> Heard | None:
    try:
        error: Any = json.loads(store.read(error_uri(output, relative)))["error"]
        return Heard(outcome="failed", reason=f"{error['kind']}: {error['message']}")
    except (ObjectMissing, ObjectDenied):
        return None
    except (ValueError, KeyError, TypeError):
        return Heard(outcome="failed", reason="its .error.json is not ours")
