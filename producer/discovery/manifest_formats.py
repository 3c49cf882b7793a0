"""PURE: parse a line of each manifest format: JSON, CSV and TSV, lists, Kaldi's wav.scp."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from funasr_fleet.contract.invalid_fields import field_name
from funasr_fleet.producer.discovery.interface import BadSource, Line
from funasr_fleet.producer.discovery.rows import Row, read_row

LineParser = Callable[[str], Row | None]
"""Parses a line into a row; None for a comment. Raises ValueError for a bad line."""

_AUDIO = {"path": "audio", "uri": "audio"}
_WHOLE = {"start_ms", "end_ms", "channel", "bytes", "duration_ms"}
_SECONDS = {"offset", "duration"}
_NAMES = {"id", "relative", "etag", "text"}
_COLUMNS = {"audio", "audio_filepath", "language", "hotwords", *_NAMES, *_WHOLE}


def json_fields(line: str) -> Any:
    """The value of a line of JSON.

    Raises:
        ValueError: the line is not valid JSON.
    """
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a JSON object: {error}") from None
    except ValueError:  # Python rejects integers of more than 4300 digits
        raise ValueError("not a JSON object: a number has too many digits") from None
    except RecursionError:
        raise ValueError("not a JSON object: nested too deeply") from None


def read_json(line: str) -> Row:
    """Parse a JSON object: a row of our format, or of a NeMo manifest."""
    return read_row(json_fields(line))


def read_address(line: str) -> Row | None:
    """Parse an address; # starts a comment line."""
    address = line.strip()
    return None if address.startswith("#") else read_row({"audio": address})


def read_either(line: str) -> Row | None:
    """Parse a line of standard input: a JSON object or an address."""
    return read_json(line) if line.lstrip().startswith("{") else read_address(line)


def read_scp(line: str) -> Row | None:
    """Parse a line of Kaldi's wav.scp: the id, which names the outputs, and the audio address."""
    name, *rest = line.strip().split(None, 1)
    if not rest:
        raise ValueError("must be an id and s3://bucket/key")
    if rest[0].endswith("|"):
        raise ValueError("a pipe command is not supported: upload its output and give that address")
    return read_row({"audio": rest[0], "id": name})


@dataclass(frozen=True)
class Table:
    """The columns of a CSV or TSV file."""

    columns: tuple[str, ...]
    """Names of the columns, as fields of a row."""
    delimiter: str

    def fields(self, line: str) -> dict[str, Any]:
        """The non-empty cells of a line, by column.

        Raises:
            ValueError: the number of cells is wrong, or a value is invalid.
        """
        cells = _cells(line, self.delimiter)
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells, but the header has {len(self.columns)}")
        given = zip(self.columns, cells, strict=True)
        return {column: _value(column, cell) for column, cell in given if cell}

    def read(self, line: str) -> Row:
        """Parse a row of our format, or of a NeMo manifest."""
        return read_row(self.fields(line))


def read_header(table_format: str, lines: Iterator[Line], name: str) -> Table:
    """Read the header of a table; the first non-empty line is consumed.

    Args:
        table_format: .csv or .tsv.
        lines: the lines of the table.
        name: name of the manifest, for error messages.

    Raises:
        BadSource: the header has no audio column, an unknown column, or a duplicate column.
    """
    delimiter = TABLES[table_format]
    header = next((line or b"\xff" for _, line in lines if line is None or line.strip()), b"audio")
    try:
        named = [cell.strip().lower() for cell in _cells(header.decode(), delimiter)]
    except ValueError:
        named = []
    columns = tuple(_AUDIO.get(column, column) for column in named)
    if not {"audio", "audio_filepath"} & set(columns):
        raise BadSource(f"{name} needs a header line with column names, including audio")
    if len(set(columns)) < len(columns):
        raise BadSource(
            f"{name} has a duplicate column (path and uri are aliases of audio): remove one"
        )
    nemo = "audio_filepath" in columns and "audio" not in columns
    if not nemo and (unknown := set(columns) - _COLUMNS):
        known = ", ".join(sorted(_COLUMNS))
        raise BadSource(
            f"{name} has an unknown column {field_name(min(unknown))!r}; known columns: {known}"
        )
    return Table(columns, delimiter)


def _cells(line: str, delimiter: str) -> list[str]:
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)  # the csv module limits the length of a cell
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"invalid quotes, or a line break within quotes: {error}") from None


def _value(column: str, cell: str) -> Any:
    if column == "hotwords":
        return [word.strip() for word in cell.split(";") if word.strip()]
    if column not in _WHOLE | _SECONDS:
        return cell
    try:
        number = float(cell)  # tables write 1000 as 1000.0 if other rows have no number
    except ValueError:
        raise ValueError(f"{column}: must be a number") from None
    return int(number) if number.is_integer() else number


STDIN = "-"
_READERS: dict[str, LineParser] = {
    STDIN: read_either,
    ".jsonl": read_json,
    ".json": read_json,
    ".txt": read_address,
    ".scp": read_scp,
}
TABLES = {".csv": ",", ".tsv": "\t"}
"""Suffix of a table -> its delimiter."""
SUFFIXES = (*_READERS, *TABLES)[1:]
"""Suffixes of manifests, without .gz."""


def format_of(uri: str) -> str | None:
    """The format of a manifest: its suffix, or STDIN. None if it is not a manifest's name."""
    if uri == STDIN:
        return STDIN
    plain = uri.lower().removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if plain.endswith(suffix)), None)


def line_parser(manifest_format: str, lines: Iterator[Line], name: str) -> LineParser:
    """The parser for lines of this format; consumes the header line of a table.

    Raises:
        BadSource: the header of a table is invalid.
    """
    if manifest_format in TABLES:
        return read_header(manifest_format, lines, name).read
    return _READERS[manifest_format]
