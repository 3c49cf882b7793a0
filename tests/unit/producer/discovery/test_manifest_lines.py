"""Lines of files that are whole, packed, damaged or not what they should be."""

import gzip
import io
from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.interface import BadSource, Line
from funasr_fleet.producer.discovery.manifest import MAX_LINE_BYTES, numbered, opened
from funasr_fleet.storage.base import ObjectMissing
from tests.support.memory_store import MemoryStore

TEXT = b"".join(b"line %d of some length\n" % n for n in range(1, 5001))


def _lines(uri: str, body: bytes) -> list[Line]:
    store = MemoryStore("in")
    store.write(uri, body, "")
    with opened(uri, store) as file:
        return list(numbered(file, uri))


@pytest.mark.parametrize("name", ["list.txt", "list.txt.gz", "LIST.TXT.GZ"])
def test_a_file_is_read_packed_or_not(name: str) -> None:
    packed = name.lower().endswith(".gz")
    lines = _lines(f"s3://in/{name}", gzip.compress(TEXT) if packed else TEXT)
    assert b"".join(line or b"" for _, line in lines) == TEXT
    assert [number for number, _ in lines] == list(range(1, 5001))


def test_several_packed_files_in_one_are_one() -> None:
    lines = _lines("s3://in/l.gz", gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    assert lines == [(1, b"a\n"), (2, b"b\n")]


def test_a_packed_file_that_is_cut_off_says_behind_which_line() -> None:
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
def test_a_damaged_packed_file_is_a_bad_source(body: bytes) -> None:
    with pytest.raises(BadSource, match="damaged"):
        _lines("s3://in/l.gz", body)


def test_a_line_that_is_too_long_is_passed_over_in_pieces() -> None:
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


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert _lines("s3://in/l", b"\xef\xbb\xbfa\n\xef\xbb\xbfb")[0] == (1, b"a\n")


def test_standard_input_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb")))
    with opened("-", MemoryStore()) as file:
        assert list(numbered(file, "standard input")) == [(1, b"a\n"), (2, b"b")]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(BadSource, match="cannot be read"),
        opened(str(tmp_path / "no"), MemoryStore()),
    ):
        pass
    with pytest.raises(ObjectMissing), opened("s3://in/no", MemoryStore("in")):
        pass
