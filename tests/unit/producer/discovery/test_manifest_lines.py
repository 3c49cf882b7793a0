"""Lines of manifests: plain, compressed, damaged, or designed to exhaust memory."""

import gzip
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery import BadRow
from funasr_fleet.producer.discovery.interface import BadSource, Content, Line
from funasr_fleet.producer.discovery.manifest import MAX_LINE_BYTES, Manifest, numbered, opened
from funasr_fleet.storage.base import ObjectMissing
from tests.support.examples import items, reason
from tests.support.memory_store import MemoryStore

TEXT = b"".join(b"line %d of some length\n" % n for n in range(1, 5001))


def _lines(uri: str, body: bytes) -> list[Line]:
    store = MemoryStore("in")
    store.write(uri, body, "")
    with opened(uri, store) as file:
        return list(numbered(file, uri))


@pytest.mark.parametrize("name", ["list.txt", "list.txt.gz", "LIST.TXT.GZ"])
def test_a_file_is_read_compressed_or_not(name: str) -> None:
    packed = name.lower().endswith(".gz")
    lines = _lines(f"s3://in/{name}", gzip.compress(TEXT) if packed else TEXT)
    assert b"".join(line or b"" for _, line in lines) == TEXT
    assert [number for number, _ in lines] == list(range(1, 5001))


def test_concatenated_gzip_members_are_one_file() -> None:
    lines = _lines("s3://in/l.gz", gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    assert lines == [(1, b"a\n"), (2, b"b\n")]


def test_a_truncated_gzip_file_names_the_last_line() -> None:
    packed = gzip.compress(TEXT)
    store = MemoryStore("in")
    store.write("s3://in/l.gz", packed[: len(packed) // 2], "")
    read: list[Line] = []
    with (
        pytest.raises(BadSource, match=r"s3://in/l.gz is damaged or truncated after line \d+"),
        opened("s3://in/l.gz", store) as file,
    ):
        read.extend(numbered(file, "s3://in/l.gz"))
    assert 0 < len(read) < 5000


@pytest.mark.parametrize(
    "body", [b"no gz at all", gzip.compress(TEXT)[:-3], gzip.compress(TEXT)[:-8] + b"\0" * 8]
)
def test_a_damaged_gzip_file_is_a_bad_source(body: bytes) -> None:
    with pytest.raises(BadSource, match="damaged"):
        _lines("s3://in/l.gz", body)


def test_a_line_that_is_too_long_is_skipped_in_pieces() -> None:
    class Watched(io.BytesIO):
        longest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            self.longest = max(self.longest, len(line))
            return line

    fits = b"x" * MAX_LINE_BYTES + b"\n"
    file = Watched(
        b"a\n" + b"y" * (5 * MAX_LINE_BYTES) + b"\n" + fits + b"z" * (MAX_LINE_BYTES + 1)
    )
    assert list(numbered(file, "f")) == [(1, b"a\n"), (2, None), (3, fits), (4, None)]
    assert file.longest <= MAX_LINE_BYTES + 1


def test_a_byte_order_mark_is_not_part_of_the_first_line() -> None:
    assert _lines("s3://in/l", b"\xef\xbb\xbfa\n\xef\xbb\xbfb")[0] == (1, b"a\n")


def test_standard_input_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb")))
    with opened("-", MemoryStore()) as file:
        assert list(numbered(file, "standard input")) == [(1, b"a\n"), (2, b"b")]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(BadSource, match="cannot be read"),
        opened(str(tmp_path / "no"), MemoryStore()),
    ):
        pass
    with pytest.raises(ObjectMissing), opened("s3://in/no", MemoryStore("in")):
        pass


_MB = 1 << 20
GOOD = json.dumps({"audio": "s3://in/a.wav"}).encode() + b"\n"


def _bomb(path: Path, first: bytes, filling: bytes, times: int) -> Path:
    """A gzip manifest: a valid row, filling that must not be kept in memory, and the row again."""
    row = first.rpartition(b"\n")[2]
    with gzip.open(path, "wb", compresslevel=9) as packed:
        packed.write(first + b"\n")
        for _ in range(times):
            packed.write(filling)
        packed.write(b"\n" + row + b"\n")
    return path


def _peak_bytes(path: Path) -> tuple[int, list[Content]]:
    tracemalloc.start()
    try:
        rows = [found.item for found in Manifest(str(path), MemoryStore()).after("")]
        return tracemalloc.get_traced_memory()[1], rows
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("a.jsonl.gz", GOOD.strip()),
        ("a.txt.gz", b"s3://in/a.wav"),
        ("wav.scp.gz", b"a s3://in/a.wav"),
        ("a.csv.gz", b"audio\ns3://in/a.wav"),
    ],
)
def test_a_huge_line_in_a_compressed_manifest_is_one_bad_row_and_little_memory(
    tmp_path: Path, name: str, first: bytes
) -> None:
    path = _bomb(tmp_path / name, first, b"x" * _MB, 40)
    assert path.stat().st_size < _MB // 10
    peak, rows = _peak_bytes(path)
    assert peak < 8 * MAX_LINE_BYTES
    assert [type(row) for row in rows] == [AudioRef, BadRow, AudioRef]
    assert "longer than 1048576 bytes" in str(rows[1])


def test_a_great_many_empty_lines_are_read_in_little_memory(tmp_path: Path) -> None:
    path = _bomb(tmp_path / "a.jsonl.gz", GOOD.strip(), b"\n" * 100_000, 4)
    assert path.stat().st_size < 2000
    peak, rows = _peak_bytes(path)
    assert peak < MAX_LINE_BYTES
    assert [type(row) for row in rows] == [AudioRef, AudioRef]


@pytest.mark.parametrize("row", [b"[" * 500_000, b'{"audio":' * 100_000, b'{"a":' + b"9" * 900_000])
def test_a_row_that_is_hard_to_parse_is_one_bad_row(tmp_path: Path, row: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + row + b"\n" + GOOD)
    peak, rows = _peak_bytes(path)
    assert peak < 32 * MAX_LINE_BYTES
    assert [type(one) for one in rows] == [AudioRef, BadRow, AudioRef]


@pytest.mark.parametrize("name", ["x" * 100_000, "\x1b[2J\x07", "\ud800", "a\nb", "\u202e"])
def test_the_name_of_an_unknown_field_is_shortened_and_escaped(name: str) -> None:
    store = MemoryStore("in")
    row = json.dumps({"audio": "s3://in/k.wav", name: 1})
    store.write("s3://in/l.jsonl", row.encode(), "")
    (item,) = items(Manifest("s3://in/l.jsonl", store))
    assert "unknown field" in reason(item)
    assert len(reason(item)) < 300
    assert reason(item).isprintable()


def test_the_name_of_an_unknown_column_is_shortened() -> None:
    store = MemoryStore("in")
    store.write("s3://in/l.csv", b"audio," + b"x" * 100_000, "")
    with pytest.raises(BadSource, match="unknown column 'xxx") as caught:
        items(Manifest("s3://in/l.csv", store))
    assert len(str(caught.value)) < 500
