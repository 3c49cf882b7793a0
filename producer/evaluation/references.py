"""Read a manifest whose rows contain the reference texts.

All other fields are parsed by the code of `fleet enqueue`, so that the same manifest yields the
same output names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from funasr_fleet.producer.discovery.interface import BadRow, BadSource, Line
from funasr_fleet.producer.discovery.manifest import numbered, opened, parse_line
from funasr_fleet.producer.discovery.manifest_formats import (
    STDIN,
    TABLES,
    format_of,
    json_fields,
    read_header,
)
from funasr_fleet.producer.discovery.rows import read_row
from funasr_fleet.storage.base import ObjectStore


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
    text = fields.get("text")
    if not isinstance(text, str | None):
        raise ValueError("text: must be text")
    return Reference(ref.relative, text, ref.options.get("language"))


class EmptyReferences(BadSource):
    """The references have no row: add one row per file, with its text."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {self.__doc__}")


def read_references(uri: str, store: ObjectStore) -> Iterator[Reference | BadRow]:
    """Every row of a manifest in our format or NeMo's.

    A second row with the same output name is an invalid row; an identical row is dropped, as `fleet
    enqueue` does.

    Args:
        uri: s3://bucket/key, a local path, or - for JSON lines from standard input.
        store: storage for s3:// addresses.

    Raises:
        NoReferences: the format of the manifest has no text.
        EmptyReferences: the manifest has no rows, not even bad ones.
        BadSource: the manifest cannot be read.
        StoreError: an S3 request failed.
    """
    taken: dict[str, Reference] = {}
    for where, found in _rows(uri, store):
        if isinstance(found, BadRow) or taken.setdefault(found.relative, found) is found:
            yield found
        elif taken[found.relative] != found:
            yield BadRow(where, f"another row already has the output name {found.relative}")


def _rows(uri: str, store: ObjectStore) -> Iterator[tuple[str, Reference | BadRow]]:
    """(manifest and line number, content of the row)."""
    name = "standard input" if uri == STDIN else uri
    empty = True
    with opened(uri, store) as file:
        lines = numbered(file, name)
        read = reference_reader(format_of(uri), lines, name)
        for number, line in lines:
            if line is None or line.strip():
                empty = False
                where = f"{name}, line {number}"
                yield where, _read(line, read, where)
    if empty:
        raise EmptyReferences(name)


def _read(line: bytes | None, read: ReferenceReader, where: str) -> Reference | BadRow:
    try:
        return parse_line(line, read)
    except ValueError as error:
        return BadRow(where, str(error))
