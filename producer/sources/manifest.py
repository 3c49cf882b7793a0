"""A manifest, local, in S3 or from stdin: one reference per line, in one of several forms."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from contract.audio_address import check_host
from contract.job import AudioRef, explain
from contract.store import ObjectStore
from producer.sources.forms import LineReader, form_of, reader_of
from producer.sources.interface import BadRow, BadSource, Found
from producer.sources.lines import MAX_LINE_BYTES, numbered, opened


@dataclass(frozen=True)
class Manifest:
    """See Source; the position is the number of a line. A bad row is yielded with its line."""

    uri: str
    """s3://bucket/key, a local path, or - for stdin."""
    store: ObjectStore
    http_hosts: frozenset[str] = frozenset()
    """Whose addresses of the web may be audio."""

    def after(self, position: str) -> Iterator[Found]:
        """See Source."""
        form = form_of(self.uri)
        if form is None:
            raise BadSource(f"{self.uri} is no manifest")
        behind = int(position or 0)
        with opened(self.uri, self.store) as file:
            lines = numbered(file, self._name)
            read = reader_of(form, lines, self._name)
            for number, line in lines:
                if number <= behind:
                    continue
                if line is None:
                    yield self._bad(number, f"longer than {MAX_LINE_BYTES} bytes")
                elif line.strip() and (found := self._read(number, line, read)):
                    yield found

    @property
    def _name(self) -> str:
        return "standard input" if self.uri == "-" else self.uri

    def _read(self, number: int, line: bytes, read: LineReader) -> Found | None:
        try:
            row = read(line.decode())
            if row is not None:
                self._check_host(row[0])
        except ValidationError as error:
            return self._bad(number, explain(error))
        except UnicodeDecodeError:
            return self._bad(number, "not UTF-8")
        except ValueError as error:
            return self._bad(number, str(error))
        return None if row is None else Found(str(number), *row)

    def _check_host(self, ref: AudioRef) -> None:
        try:
            check_host(ref.audio, self.http_hosts)
        except ValueError as error:
            raise ValueError(f"audio: {error}") from None

    def _bad(self, number: int, reason: str) -> Found:
        return Found(str(number), BadRow(f"{self._name}, line {number}", reason))
