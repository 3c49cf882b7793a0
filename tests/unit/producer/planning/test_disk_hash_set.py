"""The table on disk behaves like a dict at any size, and uses little memory."""

import gc
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.producer.planning import hash_file
from funasr_fleet.producer.planning.disk_hash_set import DiskHashSet
from funasr_fleet.producer.planning.hash_file import HashFile, TemporaryDiskFull

KEYS = st.integers(0, (1 << 38) - 1) | st.integers(0, 40)
"""Keys of all bits that a table of four initial buckets stores beside values of 24 bits."""


@given(st.lists(st.tuples(KEYS, st.integers(0, (1 << 24) - 1)), max_size=300), st.integers(1, 50))
def test_the_table_behaves_like_a_dict(items: list[tuple[int, int]], max_pending: int) -> None:
    model: dict[int, int] = {}
    with closing(DiskHashSet(first_bits=2, max_pending=max_pending)) as table:
        for key, value in items:
            assert table.add(key, value) == model.get(key)
            model.setdefault(key, value)
            assert len(table) == len(model)
        for key in [*model, *(key ^ 1 for key in model)]:
            assert table.get(key) == model.get(key)


@pytest.mark.parametrize("value_bytes", [0, 1, 3, 4])
def test_growth_keeps_every_entry_and_adds_none(value_bytes: int) -> None:
    numbers = random.Random(7)
    kept = {numbers.getrandbits(32): numbers.randrange(256**value_bytes) for _ in range(20_000)}
    others = [key for key in (numbers.getrandbits(32) for _ in range(20_000)) if key not in kept]
    with closing(DiskHashSet(value_bytes=value_bytes, first_bits=2, max_pending=100)) as table:
        for key, value in kept.items():
            assert table.add(key, value) is None
        assert len(table) == len(kept)
        assert {key: table.get(key) for key in kept} == kept
        assert [key for key in others if table.get(key) is not None] == []


def test_python_hashes_may_be_negative_and_zero_is_a_hash_like_any_other() -> None:
    with closing(DiskHashSet(value_bytes=0, max_pending=2)) as table:
        assert table.get(0) is None
        for key in (0, -1, -(1 << 63), (1 << 63) - 1):
            assert table.add(key) is None
            assert table.get(key) == 0
        assert table.get((1 << 64) - 1) == 0  # the same 64 bits as -1
        assert table.get(1) is None


@pytest.mark.parametrize("max_pending", [1, 9])
def test_without_values_hashes_differ_by_any_one_of_64_bits(max_pending: int) -> None:
    with closing(DiskHashSet(value_bytes=0, max_pending=max_pending)) as table:
        table.add(0)
        assert [bit for bit in range(64) if table.get(1 << bit) is not None] == []


@pytest.mark.parametrize("max_pending", [1, 9])
def test_with_values_hashes_differ_by_any_one_of_56_bits(max_pending: int) -> None:
    with closing(DiskHashSet(max_pending=max_pending)) as table:
        table.add(0)
        assert [bit for bit in range(64) if table.get(1 << bit) is not None] == [*range(56, 64)]


def test_entries_of_a_full_bucket_go_to_the_next() -> None:
    alike = [number << 20 for number in range(100)]
    with closing(DiskHashSet(max_pending=7)) as table:
        assert [table.add(key, number) for number, key in enumerate(alike)] == [None] * 100
        assert [table.get(key) for key in alike] == list(range(100))


def test_keys_that_are_not_hashes_are_rejected_before_the_disk_fills() -> None:
    with closing(DiskHashSet(max_pending=1)) as table:
        for number in range(15 * 8):  # fills the bucket of these hashes and the 14 after it
            table.add(number << 30)
        with pytest.raises(ValueError, match="not hashes"):
            table.add(1 << 40)


@pytest.mark.parametrize(("value_bytes", "value"), [(0, 1), (1, 256), (3, 1 << 24), (3, -1)])
def test_a_value_that_is_too_large_is_rejected(value_bytes: int, value: int) -> None:
    with closing(DiskHashSet(value_bytes=value_bytes)) as table:
        with pytest.raises(ValueError, match="does not fit"):
            table.add(7, value)
        assert table.get(7) is None


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.slow
def test_memory_stays_the_same_while_300_000_hashes_are_kept() -> None:
    numbers = random.Random(7)
    with closing(DiskHashSet(first_bits=10, max_pending=4096)) as table:
        for _ in range(20_000):  # doubles several times
            table.add(numbers.getrandbits(54), 1)
        before = _resident_bytes()
        for _ in range(300_000):
            table.add(numbers.getrandbits(54), 1)
        assert len(table) == 320_000
        # a dict would need 20 MB; while it doubles, the table reads a megabyte at a time
        assert _resident_bytes() - before < 8 << 20


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with closing(DiskHashSet(max_pending=1)) as table:
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(TemporaryDiskFull, match=r"No space left.*TMPDIR"):
            table.add(1)
        monkeypatch.setattr(os, "pwrite", lambda *_: 3)
        with pytest.raises(TemporaryDiskFull, match="short write"):
            table.add(2)


def test_no_file_name_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(DiskHashSet(max_pending=1)) as table:
        table.add(1)
        assert list(tmp_path.iterdir()) == []


BUCKETS = 4
"""Buckets per chunk in these tests."""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[HashFile]:
    """A table of two chunks."""
    monkeypatch.setattr(hash_file, "_CHUNK_BYTES", BUCKETS * 64)
    monkeypatch.setattr(hash_file, "_CHUNK_BUCKETS", BUCKETS)
    table = HashFile(value_bytes=3, first_bits=3)
    yield table
    table.close()


def _alike(bucket: int, count: int) -> dict[int, int]:
    """Hashes that all belong to one bucket, however much the table grows."""
    return {rest << 30 | bucket: rest for rest in range(1, count + 1)}


@pytest.mark.parametrize("bucket", [0, 2, 3, 4, 7])
def test_entries_overflow_into_the_next_chunk_and_beyond_the_end(
    table: HashFile, bucket: int
) -> None:
    kept = _alike(bucket, 30)
    table.write(kept)
    assert {key: table.read(key) for key in kept} == kept
    assert table.read(31 << 30 | bucket) is None
    assert len(table) == 30


def test_overflowed_entries_survive_later_writes_and_growth(table: HashFile) -> None:
    numbers = random.Random(7)
    kept: dict[int, int] = {}
    for round_number in range(40):
        new = {numbers.getrandbits(38): round_number for _ in range(50)} | (
            _alike(3, 20) if round_number == 0 else {}
        )
        table.write({key: value for key, value in new.items() if key not in kept})
        kept = new | kept
        assert len(table) == len(kept)
    assert {key: table.read(key) for key in kept} == kept
    others = {numbers.getrandbits(38) for _ in range(2000)} - set(kept)
    assert [key for key in others if table.read(key) is not None] == []
