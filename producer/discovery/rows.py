"""PURE: convert a manifest row, a mapping of fields, into a reference.

Optimised for ten million rows: fields that few rows have must not slow down the other rows.
"""

from collections.abc import Mapping
from typing import Any, TypeGuard

from funasr_fleet.contract.audio_address import default_name
from funasr_fleet.contract.invalid_fields import field_name
from funasr_fleet.contract.job import MAX_TIME_MS, AudioRef, Options
from funasr_fleet.producer.discovery.interface import UPLOAD_IT

Row = tuple[AudioRef, int | None]
"""(reference, duration of its whole audio in ms if the row gives it)."""

_OPTIONS = frozenset(Options.model_fields)
_SHARED = ("language", "hotwords", "channel", "id", "bytes", "etag")
"""Fields that are also read from NeMo rows."""
_FIELDS = frozenset(
    {*_SHARED, *_OPTIONS, "audio", "start_ms", "end_ms", "duration_ms", "relative", "text"}
)
"""Fields of our format. `text` is used by `fleet evaluate`, so that both can share a manifest."""


def read_row(row: Any) -> Row:
    """Convert a row of our format, or of NeMo's, which names its audio `audio_filepath`.

    Outputs are named by `relative` or `id`, else by the key. The range and the channel are appended
    to the key, so that several rows can reference one file.

    Raises:
        ValueError: the row is not an object, or a field is invalid or (in our format) unknown.
    """
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    nemo = "audio_filepath" in row and "audio" not in row
    fields = _from_nemo(row) if nemo else row.copy()
    if not _FIELDS.issuperset(fields):
        raise ValueError(f"unknown field {field_name(min(fields.keys() - _FIELDS))}")
    audio = fields.get("audio")
    if isinstance(audio, str) and "://" not in audio:
        raise ValueError(f"audio: {UPLOAD_IT}")
    fields.pop("text", None)
    duration_ms, other = fields.pop("duration_ms", None), fields.pop("id", None)
    name = fields.pop("relative", None)
    if name is None or name == "":
        name = other
    if not _OPTIONS.isdisjoint(fields):
        fields["options"] = _options(fields)
    fields["relative"] = _name(fields) if name is None or name == "" else _id(name)
    ref = AudioRef.model_validate(fields)
    return ref, None if duration_ms is None else _whole_ms(duration_ms)


def _from_nemo(row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert seconds to ms. Without an offset, the duration is that of the whole file."""
    fields = {name: row[name] for name in _SHARED if name in row}
    fields["audio"] = row["audio_filepath"]
    offset, duration = (_seconds(name, row.get(name)) for name in ("offset", "duration"))
    if row.get("offset") is not None:
        fields["start_ms"] = round(offset * 1000)
        fields["end_ms"] = round((offset + duration) * 1000) if duration else None
    elif duration:
        fields["duration_ms"] = round(duration * 1000)
    return fields


def _seconds(name: str, value: Any) -> float:
    if value is None:
        return 0.0
    if not _is_length(value, MAX_TIME_MS // 1000):
        raise ValueError(f"{name}: must be seconds, 0 to {MAX_TIME_MS // 1000}")
    return value


def _whole_ms(value: Any) -> int:
    if not _is_length(value, MAX_TIME_MS):
        raise ValueError(f"duration_ms: must be milliseconds, 0 to {MAX_TIME_MS}")
    return round(value)


def _is_length(value: Any, longest: int) -> TypeGuard[float]:
    """Whether it is a number from 0 to `longest`. Not converted: large integers overflow a float.

    NaN fails the comparison.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= longest


def _options(fields: dict[str, Any]) -> dict[str, Any]:
    """Remove the options from the fields, validate them, and normalise the language.

    Raises ValueError.
    """
    options = {name: fields.pop(name) for name in Options.model_fields if name in fields}
    valid = Options.model_validate(options)
    return options | {"language": valid.language} if "language" in options else options


def _id(value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("relative or id: must be text or a whole number")
    return str(value)


def _name(fields: Mapping[str, Any]) -> str:
    """The default output name; "" for an invalid address, which AudioRef then rejects."""
    audio: Any = fields.get("audio")
    if not isinstance(audio, str) or not (name := default_name(audio)):
        return ""
    start, end, channel = fields.get("start_ms"), fields.get("end_ms"), fields.get("channel")
    time_range = f"@{start or 0}-{'' if end is None else end}" if start or end else ""
    return name + time_range + (f"#{channel}" if channel is not None else "")
