"""PURE: what a result says about its file: outcome, length and warnings.

The argument is the parsed .json document of a result. Each function raises a LookupError, TypeError
or ValueError if it is not one.
"""

from typing import Any, Literal, get_args

from funasr_fleet.contract.job import MAX_TIME_MS
from funasr_fleet.contract.transcript import WarningKind


def outcome_of(document: Any) -> Literal["ok", "empty"]:
    """The outcome of the file: `empty` if nothing was transcribed."""
    return "ok" if document["segments"] else "empty"


def length_ms(document: Any) -> int:
    """Length of the transcribed range in ms."""
    start_ms, end_ms = (time_ms(document, name) or 0 for name in ("start_ms", "end_ms"))
    if start_ms > end_ms:
        raise ValueError("the range ends before it starts")
    return end_ms - start_ms


def time_ms(document: Any, name: str) -> int | None:
    """A time of the audio in ms: start_ms, end_ms or duration_ms; None if it is unknown."""
    value = document["audio"][name]
    if value is None or (type(value) is int and 0 <= value <= MAX_TIME_MS):
        return value
    raise ValueError(f"{name} is not a time in ms")


def warnings_of(document: Any) -> tuple[WarningKind, ...]:
    """The warnings that this release knows, in a fixed order."""
    return tuple(kind for kind in get_args(WarningKind) if kind in document.get("warnings", ()))
