"""PURE: how a line of each form of manifest is read: JSON, tables, lists, Kaldi's wav.scp."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from producer.sources.interface import BadSource
from producer.sources.lines import Line
from producer.sources.rows import Row, read_row

LineReader = Callable[[str], Row | None]
"""A line as a row; None for a comment. Raises ValueError for a bad one."""

_AUDIO = {"path": "audio", "uri": "audio"}
_WHOLE = {"start_ms", "end_ms", "channel", "bytes", "duration_ms"}
_SECONDS = {"offset", "duration"}
_NAMES = {"id", "relative", "etag", "text"}
_COLUMNS = {"audio", "audio_filepath", "language", "hotwords", *_NAMES, *_WHOLE}


def json_fields(line: str) -> Any:
    """What a line of JSON holds.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a JSON object: {error}") from None
    except ValueError:  # Python reads no whole number of more than 4300 digits
        raise ValueError("not a JSON object: a number has too many digits") from None
    except RecursionError:
        raise ValueError("not a JSON object: nested too deeply") from None


def read_json(line: str) -> Row:
    """A JSON object: a row of ours, or one of a NeMo manifest."""
    return read_row(json_fields(line))


def read_address(line: str) -> Row | None:
    """One address per line; # begins a comment."""
    address = line.strip()
    return None if address.startswith("#") else read_row({"audio": address})


def read_either(line: str) -> Row | None:
    """Whatever comes by a pipe: a JSON object or an address."""
    return read_json(line) if line.lstrip().startswith("{") else read_address(line)


def read_scp(line: str) -> Row | None:
    """Kaldi: an utterance's id, which names its outputs, and where its audio lies."""
    name, *rest = line.strip().split(None, 1)
    if not rest:
        raise ValueError("must be an id and s3://bucket/key")
    if rest[0].endswith("|"):
        raise ValueError("a pipe command: run it, upload what it makes, and name that")
    return read_row({"audio": rest[0], "id": name})


@dataclass(frozen=True)
class Table:
    """Rows below a header."""

    columns: tuple[str, ...]
    """As fields of a row are named."""
    delimiter: str

    def fields(self, line: str) -> dict[str, Any]:
        """The cells that are not empty, by column.

        Raises:
            ValueError: there are too few or too many, or one is wrong.
        """
        cells = _cells(line, self.delimiter)
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells below a header of {len(self.columns)}")
        given = zip(self.columns, cells, strict=True)
        return {column: _value(column, cell) for column, cell in given if cell}

    def read(self, line: str) -> Row:
        """A row of ours, or one of a NeMo manifest."""
        return read_row(self.fields(line))


def read_header(form: str, lines: Iterator[Line], name: str) -> Table:
    """The table of this form, .csv or .tsv, whose header is taken from the lines.

    Raises:
        BadSource: the header lacks the audio, or names what nobody knows.
    """
    delimiter = TABLES[form]
    header = next((line or b"\xff" for _, line in lines if line is None or line.strip()), b"audio")
    try:
        named = [cell.strip().lower() for cell in _cells(header.decode(), delimiter)]
    except ValueError:
        named = []
    columns = tuple(_AUDIO.get(column, column) for column in named)
    if not {"audio", "audio_filepath"} & set(columns):
        raise BadSource(f"{name} needs a header: its first line names columns, audio among them")
    if len(set(columns)) < len(columns):
        raise BadSource(f"{name} names a column twice, under one name or another: remove one")
    nemo = "audio_filepath" in columns and "audio" not in columns
    if not nemo and (unknown := set(columns) - _COLUMNS):
        known = ", ".join(sorted(_COLUMNS))
        raise BadSource(f"{name} has an unknown column {min(unknown)!r}; known are {known}")
    return Table(columns, delimiter)


def _cells(line: str, delimiter: str) -> list[str]:
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)  # whatever their length, to which csv sets a limit
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"quotes are wrong, or a line breaks within them: {error}") from None


def _value(column: str, cell: str) -> Any:
    if column == "hotwords":
        return [word.strip() for word in cell.split(";") if word.strip()]
    if column not in _WHOLE | _SECONDS:
        return cell
    try:
        number = float(cell)  # tables write 1000 as 1000.0 where other rows have no number
    except ValueError:
        raise ValueError(f"{column}: must be a number") from None
    return int(number) if number.is_integer() else number


STDIN = "-"
_READERS: dict[str, LineReader] = {
    STDIN: read_either,
    ".jsonl": read_json,
    ".json": read_json,
    ".txt": read_address,
    ".scp": read_scp,
}
TABLES = {".csv": ",", ".tsv": "\t"}
"""Suffix of a table -> what parts its cells."""
SUFFIXES = (*_READERS, *TABLES)[1:]
"""How the names of manifests end, but for .gz."""


def form_of(uri: str) -> str | None:
    """By what a manifest is known: its suffix, or STDIN; None when it is none."""
    if uri == STDIN:
        return STDIN
    plain = uri.lower().removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if plain.endswith(suffix)), None)


def reader_of(form: str, lines: Iterator[Line], name: str) -> LineReader:
    """What reads the lines of a manifest of this form; a table's header is taken from them.

    Raises:
        BadSource: the header of a table is wrong.
    """
    if form in TABLES:
        return read_header(form, lines, name).read
    return _READERS[form]
