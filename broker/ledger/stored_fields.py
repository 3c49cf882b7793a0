"""PURE: checks of what Redis stores about jobs, which any client of Redis may have changed."""

import json
import re
from collections.abc import Iterator, Mapping

from funasr_fleet.contract.layout import BadJobName, check_job_name

_TIMES = {"created_at", "begun_at", "cancelled_at", "closed_at"}
_COUNTS = {
    *("files", "audio_ms", "estimated_ms", "work_ms", "restored_ms", "rounds", "recorded"),
    *("windows", "windows_counted", "cursor_window", "warned"),
}
_NOT_NEGATIVE = {"files", "windows", "cursor_window"}
_TIME = re.compile(r"\d{1,11}(\.\d{1,20})?", re.ASCII)
_COUNT = re.compile(r"-?\d{1,18}", re.ASCII)


def valid_fields(stored: Mapping[str, str]) -> dict[str, str]:
    """The fields of a job's hash, without times and counts that have an impossible value."""
    return {name: text for name, text in stored.items() if _is_valid(name, text)}


def _is_valid(name: str, text: str) -> bool:
    if name in _NOT_NEGATIVE and text.startswith("-"):
        return False
    pattern = _TIME if name in _TIMES else _COUNT if name in _COUNTS else None
    return not pattern or bool(pattern.fullmatch(text))


def is_count(text: str) -> bool:
    """Whether it is a whole number of possible size."""
    return bool(_COUNT.fullmatch(text))


def count_in(text: str | None) -> int:
    """The whole number in a field; 0 if it is missing or invalid."""
    return int(text) if text and is_count(text) else 0


def numbered(stored: Mapping[str, str]) -> list[str]:
    """The fields whose names are numbers, in the order of the numbers."""
    return sorted((name for name in stored if name.isdecimal() and is_count(name)), key=int)


def read_texts(stored: Mapping[str, str], *names: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(number, texts of these names) of each field with a number and a JSON object, in order."""
    for number in numbered(stored):
        try:
            document = json.loads(stored[number])
            found = {name: document[name] for name in names}
        except (ValueError, LookupError, TypeError, RecursionError):
            continue
        if all(isinstance(one, str) for one in found.values()):
            yield int(number), found


def is_before(text: str | None, moment: float) -> bool:
    """Whether it is a time before the moment, in seconds since the epoch."""
    return bool(text and _TIME.fullmatch(text)) and float(text or 0) <= moment


def is_job_name(name: str) -> bool:
    """Whether it is a valid name of a job."""
    try:
        return bool(check_job_name(name))
    except BadJobName:
        return False
