"""PURE: convert a manifest line, JSON or a table row, into the reference text of one file.

All other fields are parsed by the code of `fleet enqueue`, so that the same manifest yields the
same output names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.discovery.line_reader import Line
from funasr_fleet.producer.discovery.manifest_formats import STDIN, TABLES, json_fields, read_header
from funasr_fleet.producer.discovery.rows import read_row


class NoReferences(BadSource):
    """No reference texts: use a .jsonl, .json, .csv or .tsv (or .gz); tables need a text column."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {self.__doc__}")


@dataclass(frozen=True)
class Reference:
    """The reference text of one file."""

    relative: str
    """Name of its outputs below the output prefix."""
    text: str | None
    """None if the row has no text; "" for audio without speech."""
    language: str | None = None
    """None if the row has no language, or auto."""


ReferenceReader = Callable[[str], Reference]
"""Parses a line. Raises ValueError for a bad line."""


def reference_reader(
    manifest_format: str | None, lines: Iterator[Line], name: str
) -> ReferenceReader:
    """The parser for lines of this format; consumes the header line of a table.

    Raises:
        NoReferences: the format has no text, or a table has no text column.
        BadSource: the header of a table is invalid.
    """
    fields = _fields_reader(manifest_format, lines, name)
    return lambda line: _reference(fields(line))


def _fields_reader(
    manifest_format: str | None, lines: Iterator[Line], name: str
) -> Callable[[str], Any]:
    if manifest_format in (STDIN, ".jsonl", ".json"):
        return json_fields
    if manifest_format not in TABLES:
        raise NoReferences(name)
    table = read_header(manifest_format, lines, name)
    if "text" not in table.columns:
        raise NoReferences(name)
    return table.fields


def _reference(fields: Any) -> Reference:
    ref, _ = read_row(fields)
    text, language = fields.get("text"), ref.options.get("language")
    if not isinstance(text, str | None):
        raise ValueError("text: must be text")
    code = language if language and language.lower() != "auto" else None
    return Reference(ref.relative, text, code)
