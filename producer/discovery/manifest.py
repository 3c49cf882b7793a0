"""A manifest, local, in S3 or from stdin: its lines, and the reference of each line."""

import contextlib
import gzip
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from pydantic import ValidationError

from funasr_fleet.contract.audio_address import check_host
from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, BadSource, Found, Line
from funasr_fleet.producer.discovery.manifest_formats import LineParser, format_of, line_parser
from funasr_fleet.storage.base import ObjectStore

MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)

T = TypeVar("T")


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
        ValueError: the line is invalid; the message contains no values, which may be private.
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


@dataclass(frozen=True)
class Manifest:
    """A Source; the position is the line number. Invalid rows are yielded as BadRow."""

    uri: str
    """s3://bucket/key, a local path, or - for stdin."""
    store: ObjectStore
    http_hosts: frozenset[str] = frozenset()
    """Hosts whose http and https addresses are accepted as audio."""

    def after(self, position: str) -> Iterator[Found]:
        """The items after a position; see Source.after."""
        manifest_format = format_of(self.uri)
        if manifest_format is None:
            raise BadSource(f"{self.uri} is not a manifest")
        last_number = int(position or 0)
        with opened(self.uri, self.store) as file:
            lines = numbered(file, self._name)
            parse = line_parser(manifest_format, lines, self._name)
            for number, line in lines:
                if number <= last_number:
                    continue
                if line is not None and not line.strip():
                    continue
                if found := self._parse(number, line, parse):
                    yield found

    @property
    def _name(self) -> str:
        return "standard input" if self.uri == "-" else self.uri

    def _parse(self, number: int, line: bytes | None, parse: LineParser) -> Found | None:
        try:
            row = parse_line(line, parse)
            if row is not None:
                self._check_host(row[0])
        except ValueError as error:
            where = f"{self._name}, line {number}"
            return Found(str(number), BadRow(where, str(error)))
        return None if row is None else Found(str(number), *row)

    def _check_host(self, ref: AudioRef) -> None:
        try:
            check_host(ref.audio, self.http_hosts)
        except ValueError as error:
            raise ValueError(f"audio: {error}") from None
