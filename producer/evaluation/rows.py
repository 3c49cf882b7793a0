"""PURE: a line of a manifest, JSON or of a table, as what was said in one file.

What a row tells besides its text goes to the reader of `fleet enqueue`, which names the outputs:
the same manifest meets the same files.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from contract.job import AudioRef
from contract.layout import check_relative
from producer.sources.forms import STDIN, LineReader, reader_of
from producer.sources.interface import BadSource
from producer.sources.lines import Line
from producer.sources.rows import read_row

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_OURS = ("text", "relative")
"""Columns that enqueue's reader of tables does not know."""
_NOT_NEMO = {"audio", "path", "uri"}


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


ReferenceReader = Callable[[str], Reference]
"""Raises ValueError for a bad line."""


def reference_reader(form: str | None, lines: Iterator[Line], name: str) -> ReferenceReader:
    """What reads the lines of a manifest of this form; a table's header is taken from them.

    Raises:
        NoReferences: lines of this form hold no text.
        BadSource: the header of a table is wrong.
    """
    if form in (STDIN, ".jsonl", ".json"):
        return _read_json
    if form is None or form not in _DELIMITERS:
        raise NoReferences(name)
    return _table(form, lines, name)


def _read_json(line: str) -> Reference:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a JSON object: {error}") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    text, relative = (row.pop(name, None) for name in _OURS)
    nemo = "audio_filepath" in row and "audio" not in row
    return _reference(read_row(row)[0], text, None if nemo else relative)


def _reference(ref: AudioRef, text: object, relative: object) -> Reference:
    """The reference of a row; NeMo's rows are named by enqueue alone, who knows no relative."""
    if not isinstance(text, str | None) or not isinstance(relative, str | None):
        raise ValueError("text and relative: must be text")
    name = check_relative(relative) if relative else ref.relative
    return Reference(name, text, ref.options.get("language"))


def _table(form: str, lines: Iterator[Line], name: str) -> ReferenceReader:
    delimiter = _DELIMITERS[form]
    header = next((line or b"" for _, line in lines if line is None or line.strip()), b"")
    try:
        columns = [cell.strip().lower() for cell in _cells(header.decode(), delimiter)]
    except ValueError:
        columns = []
    if columns.count("text") != 1 or columns.count("relative") > 1:
        raise NoReferences(name)
    others = _line([one for one in columns if one not in _OURS], delimiter)
    read = reader_of(form, iter([(1, others.encode())]), name)
    return partial(_read_cells, columns=columns, delimiter=delimiter, read=read)


def _read_cells(
    line: str, *, columns: Sequence[str], delimiter: str, read: LineReader
) -> Reference:
    cells = _cells(line, delimiter)
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells below a header of {len(columns)}")
    given = list(zip(columns, cells, strict=True))
    row = read(_line([cell for column, cell in given if column not in _OURS], delimiter))
    if row is None:
        raise ValueError("no row")
    ours = {column: cell for column, cell in given if cell and column in _OURS}
    nemo = _NOT_NEMO.isdisjoint(columns)
    return _reference(row[0], ours.get("text"), None if nemo else ours.get("relative"))


def _cells(line: str, delimiter: str) -> list[str]:
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)  # whatever their length, to which csv sets a limit
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"quotes are wrong: {error}") from None


def _line(cells: Sequence[str], delimiter: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="").writerow(cells)
    return written.getvalue()
