"""A manifest whose rows tell what was said."""

from collections.abc import Iterator

from pydantic import ValidationError

from contract.job import explain
from contract.store import ObjectStore
from producer.evaluation.rows import Reference, ReferenceReader, reference_reader
from producer.sources.forms import STDIN, form_of
from producer.sources.interface import BadRow, BadSource
from producer.sources.lines import MAX_LINE_BYTES, numbered, opened


class EmptyReferences(BadSource):
    """Holds no row: write one for each file, with what is said in it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {self.__doc__}")


def read_references(uri: str, store: ObjectStore) -> Iterator[Reference | BadRow]:
    """Every row of a manifest, of ours or of NeMo's; a second one under a name is a bad row.

    A row that says the same again is left out, as `fleet enqueue` does.

    Args:
        uri: s3://bucket/key, a local path, or - for JSON lines from standard input.
        store: where s3:// addresses are.

    Raises:
        NoReferences: it is of a form that holds no text.
        EmptyReferences: it holds no row, not even a bad one.
        BadSource: it cannot be read.
        StoreError: S3 fails.
    """
    taken: dict[str, Reference] = {}
    for where, found in _rows(uri, store):
        if isinstance(found, BadRow) or taken.setdefault(found.relative, found) is found:
            yield found
        elif taken[found.relative] != found:
            yield BadRow(where, f"another row tells of {found.relative} already")


def _rows(uri: str, store: ObjectStore) -> Iterator[tuple[str, Reference | BadRow]]:
    """(Which line, what it says)."""
    name = "standard input" if uri == STDIN else uri
    empty = True
    with opened(uri, store) as file:
        lines = numbered(file, name)
        read = reference_reader(form_of(uri), lines, name)
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
