"""A hash table of 64-bit words in an unnamed temporary file.

A bucket is 64 bytes: 8 slots of one word, filled from the left. Entries are never removed. The low
bits of a hash select its home bucket; the entry is stored in the first free slot there or in the
buckets that follow. A word holds, from high to low bits:

    steps + 1    4 bits: distance from the home bucket in buckets; 0 marks an empty slot
    rest         the bits of the hash above those that select the bucket
    value        the value stored for the hash

The hash can be reconstructed from bucket, steps and rest. The table can therefore double without
the original hashes, and the bits that the bucket implies are not stored. Words are little-endian,
the byte order of the supported machines.
"""

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import IO

_SLOTS = 8
_WORD_BYTES = 8
_BUCKET_BYTES = _SLOTS * _WORD_BYTES
_BUCKET = Struct(f"<{_SLOTS}Q")
_MAX_LOAD = 0.6
"""Share of used slots at which the table doubles."""
_MAX_STEPS = 15
_STEPS_SHIFT = 60
_CHUNK_BYTES = 1 << 20
"""Bytes per read and write in a sequential pass over the table."""
_CHUNK_BUCKETS = _CHUNK_BYTES // _BUCKET_BYTES


class TemporaryDiskFull(Exception):
    """A temporary file cannot be written: free some space, or set TMPDIR to another disk."""


class HashFile:
    """The hash table; the module docstring describes its layout. A lookup reads 64 bytes."""

    def __init__(self, *, value_bytes: int, first_bits: int) -> None:
        """Create an empty table.

        Args:
            value_bytes: size of the values, 0-4.
            first_bits: the table starts with 2**first_bits buckets. The file is sparse: empty
                buckets take no disk space.

        Raises:
            TemporaryDiskFull: the temporary file cannot be created.
        """
        self._value_bytes = value_bytes
        self._value_bits = 8 * value_bytes
        self._rest_bits = _STEPS_SHIFT - self._value_bits
        self.kept = (1 << min(64, first_bits + self._rest_bits)) - 1
        """Mask of the hash bits that are stored."""
        self._open(first_bits)

    def _open(self, bits: int) -> None:
        self._bits = bits
        self._last = (1 << bits) - 1
        self._count = 0
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - see close
            self._file.truncate(_BUCKET_BYTES << bits)
        except OSError as error:
            raise _full(error) from error
        self._fd = self._file.fileno()

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def read(self, key: int) -> int | None:
        """The value stored for a hash; None if the hash is not in the table."""
        for step in range(_MAX_STEPS):
            tag = self._word(key, step).to_bytes(_WORD_BYTES, "little")[self._value_bytes :]
            offset = ((key + step) & self._last) * _BUCKET_BYTES
            bucket = os.pread(self._fd, _BUCKET_BYTES, offset)
            at = bucket.find(tag)
            while at >= 0:
                if at % _WORD_BYTES == self._value_bytes:
                    return int.from_bytes(bucket[at - self._value_bytes : at], "little")
                at = bucket.find(tag, at + 1)
            if not bucket[-1]:  # the bucket was never full, so no entry overflowed
                break
        return None

    def _word(self, key: int, step: int, value: int = 0) -> int:
        tag = (step + 1 << self._rest_bits) | key >> self._bits
        return tag << self._value_bits | value

    def write(self, new: Mapping[int, int]) -> None:
        """Add these hashes in one sequential pass; none of them may be in the table yet.

        Raises:
            TemporaryDiskFull: the temporary file cannot be written.
            ValueError: the keys are not hashes: too many of them have the same low bits.
        """
        while self._count + len(new) > _MAX_LOAD * _SLOTS * (1 << self._bits):
            self._double()
        last, strays = self._last, list[int]()
        in_order = sorted(new, key=last.__and__)
        for number, keys in itertools.groupby(in_order, lambda key: (key & last) // _CHUNK_BUCKETS):
            chunk = bytearray(os.pread(self._fd, _CHUNK_BYTES, number * _CHUNK_BYTES))
            with memoryview(chunk).cast("Q") as words:
                strays += [key for key in keys if not self._put(words, key, new[key])]
            self._write(chunk, number * _CHUNK_BYTES)
        for key in strays:
            self._place(key, new[key])

    def _put(self, words: memoryview, key: int, value: int) -> bool:
        """Write a word into the chunk of its home bucket; False if it does not fit there."""
        home = (key & self._last) % _CHUNK_BUCKETS
        slot = home * _SLOTS
        while slot < len(words) and words[slot]:
            slot += 1
        step = slot // _SLOTS - home
        if slot == len(words) or step >= _MAX_STEPS:
            return False
        words[slot] = self._word(key, step, value)
        self._count += 1
        return True

    def _place(self, key: int, value: int) -> None:
        """Write a word into the first free slot, and double the table if there is none in reach."""
        for step in range(_MAX_STEPS):
            offset = ((key + step) & self._last) * _BUCKET_BYTES
            tops = os.pread(self._fd, _BUCKET_BYTES, offset)[_WORD_BYTES - 1 :: _WORD_BYTES]
            if not tops[-1]:
                word = self._word(key, step, value).to_bytes(_WORD_BYTES, "little")
                self._write(word, offset + tops.index(0) * _WORD_BYTES)
                self._count += 1
                return
        if self._count < 1 << self._bits >> 2:
            raise ValueError("the keys are not hashes: too many of them have the same low bits")
        self._double()
        self._place(key, value)

    def _write(self, data: bytes | bytearray, offset: int) -> None:
        try:
            written = os.pwrite(self._fd, data, offset)
        except OSError as error:
            raise _full(error) from error
        if written < len(data):
            raise TemporaryDiskFull("short write to a temporary file: free some space in TMPDIR")

    def _double(self) -> None:
        """Move all entries into a table of twice the size."""
        before, bits = self._file, self._bits
        with before:
            self._open(bits + 1)
            for first, chunk in _chunks(before.fileno()):
                lower, upper = self._split(chunk)
                self._write(lower, first * _BUCKET_BYTES)
                self._write(upper, (first + (1 << bits)) * _BUCKET_BYTES)
            for first, chunk in _chunks(before.fileno()):
                self._move_strays(first, chunk, bits)

    def _split(self, chunk: bytes) -> tuple[bytes, bytes]:
        """Split the entries in their home buckets by the hash bit that the new table adds."""
        shift = self._value_bits
        rest, value, own = (1 << self._rest_bits) - 1, (1 << shift) - 1, 1 << _STEPS_SHIFT
        halves: tuple[list[bytes], list[bytes]] = ([], [])
        for bucket in _BUCKET.iter_unpack(chunk):
            parts: tuple[list[int], list[int]] = ([], [])
            for word in bucket:
                if word >> _STEPS_SHIFT == 1:
                    above = word >> shift & rest
                    parts[above & 1].append(own | above >> 1 << shift | word & value)
            for half, words in zip(halves, parts, strict=True):
                self._count += len(words)
                half.append(_BUCKET.pack(*words, *(0,) * (_SLOTS - len(words))))
        return b"".join(halves[0]), b"".join(halves[1])

    def _move_strays(self, first: int, chunk: bytes, bits: int) -> None:
        """Move the entries outside their home buckets; their hashes are reconstructed."""
        shift = self._value_bits
        for slot, top in enumerate(chunk[_WORD_BYTES - 1 :: _WORD_BYTES]):
            steps = (top >> 4) - 1
            if steps > 0:
                word = int.from_bytes(chunk[slot * _WORD_BYTES :][:_WORD_BYTES], "little")
                rest = word >> shift & ((1 << self._rest_bits) - 1)
                home = (first + slot // _SLOTS - steps) & ((1 << bits) - 1)
                self._place(rest << bits | home, word & ((1 << shift) - 1))


def _chunks(fd: int) -> Iterator[tuple[int, bytes]]:
    """(number of the first bucket in the chunk, bytes of the chunk) for the whole table."""
    offset = 0
    while chunk := os.pread(fd, _CHUNK_BYTES, offset):
        yield offset // _BUCKET_BYTES, chunk
        offset += len(chunk)


def _full(error: OSError) -> TemporaryDiskFull:
    where = tempfile.gettempdir()
    return TemporaryDiskFull(
        f"cannot write a temporary file in {where} ({error.strerror}): "
        "free some space there, or set TMPDIR to another disk"
    )
