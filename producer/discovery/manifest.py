"""A manifest, local, in S3 or from stdin: one reference per line, in one of several formats."""

from collections.abc import Iterator
from dataclasses import dataclass

from funasr_fleet.contract.audio_address import check_host
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, BadSource, Found
from funasr_fleet.producer.discovery.line_reader import numbered, opened, parse_line
from funasr_fleet.producer.discovery.manifest_formats import LineParser, format_of, line_parser
from funasr_fleet.storage.base import ObjectStore


@dataclass(frozen=True)
class Manifest:
    """A Source; the position is the line number. Invalid rows are yielded with it."""

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
