"""Reads the task's argument: its shard, and the entries of files that are not valid.

One invalid entry fails one file. Only a message that cannot be read as a shard is malformed.
An entry with the output name or the index of an earlier one is invalid: two files would share one
result, or one position in their job. So is an entry whose output keys would be too long.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from funasr_fleet.contract.audio_address import check_audio, default_name, shown
from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.job import MAX_INDEX, AudioRef, Shard
from funasr_fleet.contract.key_length import fits_in_key
from funasr_fleet.contract.layout import check_relative
from funasr_fleet.contract.shown_text import one_line

_VALID_ENTRY = {"audio": "s3://bucket/key", "relative": "name"}
_ENTRIES_CHECKED = 1 << 17
"""Placeholders at most. A shard may have fewer files, so a message with more is still rejected."""

_MAX_NAME_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class InvalidEntry:
    """An entry of a shard's files that is not valid: its file fails, the others do not."""

    position: int
    """Its position in `files`, from 0."""
    index: int | None
    """Position of the file in its job, if the entry has a valid one."""
    audio: str
    """Address of the audio without secrets; empty if it is not valid."""
    relative: str
    """Name of the outputs if `is_safe`; else what the entry is called in messages, and the report
    has the name layout.invalid_entry_name()."""
    is_safe: bool
    """Whether `relative` is a valid output name, unused by valid files and earlier entries."""
    reason: str
    """The invalid fields, without their values."""
    document: Mapping[str, Any]
    """A message with this entry alone."""


def read_shard(document: Any) -> tuple[Shard, tuple[InvalidEntry, ...]]:
    """Read a task's argument.

    Returns:
        The shard with its valid files, perhaps none, and the invalid entries.

    Raises:
        MalformedShard: it is not a shard; the message names up to ten invalid fields.
    """
    shard = _without_entries(document)
    valid, invalid = _read_entries(document, shard)
    rejected = {**_too_long(shard.output, valid), **_repeated(valid)}
    for position, reason in rejected.items():
        if reason:
            invalid.append(_invalid(document, position, document["files"][position], reason))
    files = tuple(ref for position, ref in valid.items() if position not in rejected)
    invalid.sort(key=lambda entry: entry.position)
    return shard.model_copy(update={"files": files}), _without_shared_names(files, invalid)


def _repeated(files: Mapping[int, AudioRef]) -> dict[int, str]:
    """Positions of files with the output name or index of an earlier one, each with its error.

    The error of an exact repetition is empty: it needs neither another result nor a report.
    """
    names, indexes, found = dict[str, AudioRef](), set[int](), dict[int, str]()
    for position, ref in files.items():
        earlier = names.setdefault(ref.relative, ref)
        if earlier is not ref:
            found[position] = "" if earlier == ref else "relative: an earlier file has this name"
        elif ref.index in indexes:
            found[position] = "index: an earlier file has this index"
        elif ref.index is not None:
            indexes.add(ref.index)
    return found


def _too_long(output: str, files: Mapping[int, AudioRef]) -> dict[int, str]:
    """Positions of files whose outputs S3 would reject, each with its error."""
    error = "relative: with the output prefix, it is too long for a key in S3"
    return {at: error for at, ref in files.items() if not fits_in_key(output, ref.relative)}


def _read_entries(
    document: Mapping[str, Any], shard: Shard
) -> tuple[dict[int, AudioRef], list[InvalidEntry]]:
    """The valid files by position in `files`, and the entries that are invalid by themselves."""
    valid, invalid = dict[int, AudioRef](), list[InvalidEntry]()
    for position, entry in enumerate(document["files"]):
        field = ""
        try:
            ref = AudioRef.model_validate(entry)
            field = "options: "
            shard.options.overlaid(ref)
        except ValidationError as error:
            invalid.append(_invalid(document, position, entry, field + explain(error)))
        else:
            valid[position] = ref
    return valid, invalid


def _without_shared_names(
    files: Iterable[AudioRef], invalid: Iterable[InvalidEntry]
) -> tuple[InvalidEntry, ...]:
    """Set `is_safe` to False for names of other files, whose outputs must not be overwritten."""
    names, marked = {ref.relative for ref in files}, list[InvalidEntry]()
    for entry in invalid:
        is_safe = entry.is_safe and entry.relative not in names
        marked.append(replace(entry, is_safe=is_safe))
        if is_safe:
            names.add(entry.relative)
    return tuple(marked)


def _without_entries(document: Any) -> Shard:
    """The shard with placeholders for its files. Raises MalformedShard.

    Entries are read one by one: an error for each field of 10,000 entries would take gigabytes.
    """
    entries = document.get("files") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return Shard.from_message(document)
    placeholders = [_VALID_ENTRY] * min(len(entries), _ENTRIES_CHECKED)
    return Shard.from_message({**document, "files": placeholders})


def _invalid(document: Mapping[str, Any], position: int, entry: Any, reason: str) -> InvalidEntry:
    fields = entry if isinstance(entry, dict) else {}
    audio = _address_in(fields)
    name = fields.get("relative") or (default_name(audio) if audio else "")
    is_safe = _is_safe(name) and fits_in_key(document["output"], name)
    envelope = {key: document.get(key) for key in ("schema", "shard", "job", "output")}
    return InvalidEntry(
        position=position,
        index=_index_in(fields),
        audio=shown(audio),
        relative=name if is_safe else _escaped(name) or f"entry {position}",
        is_safe=is_safe,
        reason=f"invalid entry: {reason}",
        document={**envelope, "files": [entry]},
    )


def _address_in(fields: Mapping[str, Any]) -> str:
    audio = fields.get("audio")
    try:
        return check_audio(audio) if isinstance(audio, str) else ""
    except ValueError:
        return ""


def _index_in(fields: Mapping[str, Any]) -> int | None:
    index = fields.get("index")
    is_index = type(index) is int and 0 <= index <= MAX_INDEX  # not a bool
    return index if is_index else None


def _is_safe(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool(check_relative(name))
    except ValueError:
        return False


def _escaped(name: Any) -> str:
    return one_line(name[:_MAX_NAME_CHARS]) if isinstance(name, str) else ""
