"""A .jsonl manifest, local or in S3: one JSON object per line, of which only audio is required."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from contract.job import AudioRef, Options, explain
from contract.layout import is_s3_uri, key_of
from contract.store import ObjectStore
from producer.sources.interface import BadRow, BadSource

_OPTION_FIELDS = ("language", "hotwords")
_FIELDS = {"audio", "start_ms", "end_ms", "channel"}


@dataclass(frozen=True)
class JsonlManifest:
    """See Source; a bad row is yielded as such, with its line number."""

    uri: str
    store: ObjectStore

    def __iter__(self) -> Iterator[AudioRef | BadRow]:
        with tempfile.TemporaryFile() as copy:
            for number, line in enumerate(self._open(copy), start=1):
                if line.strip():
                    yield self._read_row(number, line)

    def _open(self, copy: BinaryIO) -> BinaryIO:
        if self.uri.startswith("s3://"):
            self.store.download(self.uri, copy)
            return copy
        try:
            return Path(self.uri).open("rb")
        except OSError as error:
            raise BadSource(f"{self.uri} cannot be read: {error.strerror}") from None

    def _read_row(self, number: int, line: bytes) -> AudioRef | BadRow:
        where = f"{self.uri}, line {number}"
        try:
            return to_ref(json.loads(line))
        except ValidationError as error:
            return BadRow(where, explain(error))
        except ValueError as error:
            return BadRow(where, f"not a JSON object: {error}")


def to_ref(row: Any) -> AudioRef:
    """A manifest's row as a reference.

    Outputs are named by id, else by the key; a stretch or a channel of a file is added to the
    name, so that several rows may point into one file.

    Raises:
        ValueError: when the row is not an object, or a field of it is wrong.
    """
    if not isinstance(row, dict):
        raise ValueError("the row is no object")
    fields = dict(row)
    options = {name: fields.pop(name) for name in _OPTION_FIELDS if name in fields}
    Options.model_validate(options)
    name = fields.pop("id", None)
    audio = fields.get("audio")
    relative = (
        _name(audio, fields)
        if name is None and is_s3_uri(audio)
        else ""
        if name is None
        else str(name)
    )
    if unknown := set(fields) - _FIELDS:
        raise ValueError(f"unknown field {sorted(unknown)[0]}")
    return AudioRef.model_validate({**fields, "relative": relative, "options": options})


def _name(audio: Any, fields: dict[str, Any]) -> str:
    start, end, channel = (fields.get(key) for key in ("start_ms", "end_ms", "channel"))
    stretch = f"@{start or 0}-{'' if end is None else end}" if start or end else ""
    return key_of(audio) + stretch + (f"#{channel}" if channel is not None else "")
