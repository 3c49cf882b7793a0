"""Read a manifest whose rows contain the reference texts."""

from collections.abc import Iterator

from pydantic import ValidationError

from funasr_fleet.contract.job import explain
from funasr_fleet.producer.discovery.interface import BadRow, BadSource
from funasr_fleet.producer.discovery.line_reader import MAX_LINE_BYTES, numbered, opened
from funasr_fleet.producer.discovery.manifest_formats import STDIN, format_of
from funasr_fleet.producer.evaluation.rows import Reference, ReferenceReader, reference_reader
from funasr_fleet.storage.base import ObjectStore


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
    if line is None:
        return BadRow(where, f"longer than {MAX_LINE_BYTES} bytes")
    try:
        return read(line.decode())
    except ValidationError as error:
        return BadRow(where, explain(error))
    except UnicodeDecodeError:
        return BadRow(where, "not UTF-8")
    except ValueError as error:
        return BadRow(where, str(error))
