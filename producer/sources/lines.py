"""A file's lines with their numbers, whatever is in it, from a local path, S3 or stdin."""

import contextlib
import gzip
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from contract.store import ObjectStore
from producer.sources.interface import BadSource

MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)

Line = tuple[int, bytes | None]
"""Number, from 1, and what it says; None when it is longer than MAX_LINE_BYTES."""


@contextlib.contextmanager
def opened(uri: str, store: ObjectStore) -> Iterator[BinaryIO]:
    """The file, unpacked while it is read if its name ends with .gz; - is stdin.

    Raises:
        BadSource: a local file cannot be opened.
        StoreError: S3 fails; the whole file is fetched first.
    """
    with contextlib.ExitStack() as files:
        packed = _packed(uri, store, files)
        if not uri.lower().endswith(".gz"):
            yield packed
            return
        # no buffer above it: of a file that is cut off it would lose what was read last
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
        BadSource: the file is damaged or cut off, or reading it fails; the lines before it
            were yielded.
    """
    number = 0
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                _pass_over(file)
                yield number, None
            elif number == 1:
                yield number, line.removeprefix(_BOM)
            else:
                yield number, line
    except _DAMAGED:
        said = f"{name} is damaged or cut off behind line {number}: make or copy it anew"
        raise BadSource(said) from None
    except OSError as error:
        said = f"{name} cannot be read behind line {number}: {error.strerror}"
        raise BadSource(said) from None


def _pass_over(file: BinaryIO) -> None:
    """To the end of a line that is too long to be kept."""
    while (piece := file.readline(MAX_LINE_BYTES)) and not piece.endswith(b"\n"):
        pass
