"""PURE: what a result says about its file: outcome, length and warnings.

The argument is the parsed .json document of a result. Each function raises KeyError or TypeError if
it is not one.
"""

from typing import Any, Literal, get_args

from funasr_fleet.contract.transcript import WarningKind


def outcome_of(document: Any) -> Literal["ok", "empty"]:
    """The outcome of the file: `empty` if nothing was transcribed."""
    return "ok" if document["segments"] else "empty"


def length_ms(document: Any) -> int:
    """Length of the transcribed range in ms."""
    audio = document["audio"]
    return (audio["end_ms"] or 0) - (audio["start_ms"] or 0)


def warnings_of(document: Any) -> tuple[WarningKind, ...]:
    """The warnings that this release knows, in a fixed order."""
    return tuple(kind for kind in get_args(WarningKind) if kind in document.get("warnings", ()))
