"""Read and parse the numbered lines of a file from a local path, S3 or standard input."""

import contextlib
import gzip
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from pydantic import ValidationError

from funasr_fleet.contract.job import explain
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.storage.base import ObjectStore

MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)

T = TypeVar("T")
Line = tuple[int, bytes | None]
"""(number starting at 1, content); the content is None if longer than MAX_LINE_BYTES."""


@contextlib.contextmanager
def opened(uri: str, store: ObjectStore) -> Iterator[BinaryIO]:
    """Open a file for reading; .gz files are decompressed on the fly, and - is standard input.

    Objects in S3 are downloaded to a temporary file first.

    Raises:
        BadSource: a local file cannot be opened.
        StoreError: an S3 request failed.
    """
    with contextlib.ExitStack() as files:
        packed = _packed(uri, store, files)
        if not uri.lower().endswith(".gz"):
            yield packed
            return
        # no buffer on top: it would lose the last lines of a truncated file
        yield cast(BinaryIO, files.enter_context(gzip.GzipFile(fileobj=packed, mode="rb")))


def _packed(uri: str, store: ObjectStore, files: contextlib.ExitStack) -> BinaryIO:
    if uri == "-":
        return sys.stdin.buffer
    if uri.startswith("s3://"):
        copy = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the rest
        store.download(uri, copy)
        return copy
    try:
        return files.enter_context(Path(uri).open("rb"))
    except OSError as error:
        raise BadSource(f"{uri} cannot be read: {error.strerror}") from None


def numbered(file: BinaryIO, name: str) -> Iterator[Line]:
    """Every line with its number, without a byte order mark.

    Raises:
        BadSource: the file is damaged or truncated, or a read failed. The lines before the error
            have been yielded.
    """
    number = 0
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                _skip_rest_of_line(file)
                yield number, None
            elif number == 1:
                yield number, line.removeprefix(_BOM)
            else:
                yield number, line
    except _DAMAGED:
        raise BadSource(
            f"{name} is damaged or truncated after line {number}: create or copy it again"
        ) from None
    except OSError as error:
        raise BadSource(f"{name} cannot be read after line {number}: {error.strerror}") from None


def parse_line(line: bytes | None, parse: Callable[[str], T]) -> T:
    """Parse the content of a numbered line.

    Raises:
        ValueError: with the reason, without values, which may be private.
    """
    if line is None:
        raise ValueError(f"longer than {MAX_LINE_BYTES} bytes")
    try:
        return parse(line.decode())
    except ValidationError as error:
        raise ValueError(explain(error)) from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def _skip_rest_of_line(file: BinaryIO) -> None:
    """Read to the end of a line that is too long."""
    while (piece := file.readline(MAX_LINE_BYTES)) and not piece.endswith(b"\n"):
        pass
