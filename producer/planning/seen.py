"""A set, or a small map, of hashes on disk: memory stays the same, however many there are."""

from typing import Self

from producer.planning.hash_file import HashFile


class SeenOnDisk:
    """For one thread; a look-up reads 64 bytes of a temporary file.

    What is new waits in memory until it is worth going through the file from end to end: to write
    8 bytes somewhere costs several times as much as to read them.

    Two hashes are taken for one when all bits that are kept are the same: the lower
    first_bits + 60 - 8 * value_bytes, 64 at most. Among 10 million hashes (50 million million
    pairs) that happens with a chance of 0.07 % when 24 bits of value are kept (2**-56 a pair), and
    of 3 in a million without values (2**-64 a pair).
    """

    def __init__(
        self, *, value_bytes: int = 3, first_bits: int = 20, most_late: int = 1 << 16
    ) -> None:
        """Begin with nothing.

        Args:
            value_bytes: size of the values, 0-4.
            first_bits: the file begins with 2**first_bits buckets of 64 bytes; what is empty
                takes no space on disk.
            most_late: how many may wait in memory, 100 bytes each.

        Raises:
            TemporaryDiskFull: no file can be made.
        """
        self._file = HashFile(value_bytes=value_bytes, first_bits=first_bits)
        self._kept = self._file.kept
        self._value_end = 1 << 8 * value_bytes
        self._most_late = most_late
        self._late: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._file) + len(self._late)

    def get(self, key: int) -> int | None:
        """The value kept for the hash; None when there is none."""
        key &= self._kept
        value = self._late.get(key)
        return self._file.read(key) if value is None and len(self._file) else value

    def add(self, key: int, value: int = 0) -> int | None:
        """Keep a value for the hash, unless there is one.

        Args:
            key: a hash; of a longer or negative one the lower 64 bits count.
            value: at most value_bytes long.

        Returns:
            The value kept before, which stays; None when the hash is new.

        Raises:
            TemporaryDiskFull: it cannot be kept.
            ValueError: the value is too large; or the keys are no hashes, many of them end alike.
        """
        before = self.get(key)
        if before is not None:
            return before
        if not 0 <= value < self._value_end:
            raise ValueError(f"{value} is no value of {self._value_end.bit_length() - 1} bits")
        self._late[key & self._kept] = value
        if len(self._late) >= self._most_late:
            self._file.write(self._late)
            self._late.clear()
        return None
