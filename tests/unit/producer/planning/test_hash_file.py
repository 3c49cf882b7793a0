"""The table is written chunk by chunk; a word may lie beyond the chunk of its hash."""

import random
from collections.abc import Iterator

import pytest

from funasr_fleet.producer.planning import hash_file
from funasr_fleet.producer.planning.hash_file import HashFile

BUCKETS = 4
"""In a chunk of these tests."""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[HashFile]:
    """A table of two chunks."""
    monkeypatch.setattr(hash_file, "_CHUNK_BYTES", BUCKETS * 64)
    monkeypatch.setattr(hash_file, "_CHUNK_BUCKETS", BUCKETS)
    table = HashFile(value_bytes=3, first_bits=3)
    yield table
    table.close()


def _alike(bucket: int, count: int) -> dict[int, int]:
    """Hashes that pick one of eight buckets, and no other one however much the table grows."""
    return {rest << 30 | bucket: rest for rest in range(1, count + 1)}


@pytest.mark.parametrize("bucket", [0, 2, 3, 4, 7])
def test_hashes_find_room_behind_their_chunk_and_behind_the_end(
    table: HashFile, bucket: int
) -> None:
    kept = _alike(bucket, 30)
    table.write(kept)
    assert {key: table.read(key) for key in kept} == kept
    assert table.read(31 << 30 | bucket) is None
    assert len(table) == 30


def test_what_lies_behind_its_chunk_survives_later_writes_and_doublings(table: HashFile) -> None:
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
