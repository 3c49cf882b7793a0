"""A small .gz manifest that unpacks to a huge one takes little memory, and its rows are read."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.discovery.manifest import MAX_LINE_BYTES, Manifest
from tests.support.memory_store import MemoryStore

MIB = 1 << 20
ROW = b"s3://in/a.wav\n"


@pytest.mark.parametrize(
    ("filler", "mib"), [(b"0", 64), (b"\n", 2), (b"# comment\n", 8)], ids=["one line", "blank", "#"]
)
def test_a_manifest_that_unpacks_to_a_huge_one_takes_little_memory(
    tmp_path: Path, filler: bytes, mib: int
) -> None:
    path = tmp_path / "bomb.txt.gz"
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(ROW)
        for _ in range(mib):
            file.write(filler * (MIB // len(filler)))
        file.write(b"\n" + ROW)
    tracemalloc.start()
    found = list(Manifest(str(path), MemoryStore()).after(""))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MAX_LINE_BYTES
    assert path.stat().st_size < MIB
    bad = [one for one in found if isinstance(one.item, BadRow)]
    assert (len(found) - len(bad), len(bad)) == (2, filler == b"0")
