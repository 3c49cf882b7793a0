"""Manifests that would fill the memory: packed a thousand times over, or of one endless line."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery import BadRow
from funasr_fleet.producer.discovery.manifest import MAX_LINE_BYTES, Manifest
from tests.support.memory_store import MemoryStore

_MB = 1 << 20
GOOD = json.dumps({"audio": "s3://in/a.wav"}).encode() + b"\n"


def _bomb(path: Path, first: bytes, filling: bytes, times: int) -> Path:
    """A packed manifest: a good row, what must not be kept, and the good row again."""
    row = first.rpartition(b"\n")[2]
    with gzip.open(path, "wb", compresslevel=9) as packed:
        packed.write(first + b"\n")
        for _ in range(times):
            packed.write(filling)
        packed.write(b"\n" + row + b"\n")
    return path


def _peak_bytes(path: Path) -> tuple[int, list[AudioRef | BadRow]]:
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
def test_an_endless_line_in_a_packed_manifest_is_one_bad_row_and_little_memory(
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
