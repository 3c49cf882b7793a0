"""PURE: a line of a manifest, JSON or of a table, as what was said in one file.

All but its text is for the reader of `fleet enqueue`, which names the outputs: the same manifest
meets the same files.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from producer.sources.forms import STDIN, TABLES, json_fields, read_header
from producer.sources.interface import BadSource
from producer.sources.lines import Line
from producer.sources.rows import read_row


class NoReferences(BadSource):
    """No references: give a .jsonl, .json, .csv or .tsv (or .gz); tables with the column text."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {self.__doc__}")


@dataclass(frozen=True)
class Reference:
    """What was said in one file."""

    relative: str
    """Name of its outputs below the output prefix."""
    text: str | None
    """None where the row has none; "" says that nothing was said."""
    language: str | None = None
    """None where the row tells none, or auto, which is none."""


ReferenceReader = Callable[[str], Reference]
"""Raises ValueError for a bad line."""


def reference_reader(form: str | None, lines: Iterator[Line], name: str) -> ReferenceReader:
    """What reads the lines of a manifest of this form; a table's header is taken from them.

    Raises:
        NoReferences: lines of this form hold no text.
        BadSource: the header of a table is wrong.
    """
    fields = _fields_reader(form, lines, name)
    return lambda line: _reference(fields(line))


def _fields_reader(form: str | None, lines: Iterator[Line], name: str) -> Callable[[str], Any]:
    if form in (STDIN, ".jsonl", ".json"):
        return json_fields
    if form not in TABLES:
        raise NoReferences(name)
    table = read_header(form, lines, name)
    if "text" not in table.columns:
        raise NoReferences(name)
    return table.fields


def _reference(fields: Any) -> Reference:
    ref, _ = read_row(fields)
    text, language = fields.get("text"), ref.options.get("language")
    if not isinstance(text, str | None):
        raise ValueError("text: must be text")
    told = language if language and language.lower() != "auto" else None
    return Reference(ref.relative, text, told)
