"""A set, or a small map, of hashes on disk, in constant memory."""

from funasr_fleet.producer.planning.hash_file import HashFile


class DiskHashSet:
    """Hashes with small values in a temporary file. Not thread-safe.

    A lookup reads 64 bytes of the file.

    New hashes are buffered in memory and written in one sequential pass over the file: writing
    8 bytes at a random place costs several times as much as reading them.

    Two hashes collide when all kept bits are equal: the lowest first_bits + 60 - 8 * value_bytes,
    at most 64. Among 10 million hashes (5e13 pairs) the probability of any collision is 0.07 % with
    24 bits of value (2**-56 per pair), and 3 in a million without values (2**-64 per pair).
    """

    def __init__(
        self, *, value_bytes: int = 3, first_bits: int = 20, max_pending: int = 1 << 16
    ) -> None:
        """Create an empty set.

        Args:
            value_bytes: size of the values, 0-4.
            first_bits: the file starts with 2**first_bits buckets of 64 bytes. It is sparse:
                empty buckets take no disk space.
            max_pending: maximum number of hashes buffered in memory, 100 bytes each.

        Raises:
            TemporaryDiskFull: the temporary file cannot be created.
        """
        self._file = HashFile(value_bytes=value_bytes, first_bits=first_bits)
        self._kept = self._file.kept
        self._value_end = 1 << 8 * value_bytes
        self._max_pending = max_pending
        self._pending: dict[int, int] = {}

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._file) + len(self._pending)

    def get(self, key: int) -> int | None:
        """The value stored for the hash; None if the hash is not in the set."""
        key &= self._kept
        value = self._pending.get(key)
        return self._file.read(key) if value is None and len(self._file) else value

    def add(self, key: int, value: int = 0) -> int | None:
        """Store a value for the hash unless the hash is in the set already.

        Args:
            key: a hash; at most its lowest 64 bits are used. It may be negative.
            value: 0 or an unsigned integer of at most value_bytes bytes.

        Returns:
            The value stored before, which is kept; None if the hash is new.

        Raises:
            TemporaryDiskFull: the temporary file cannot be written.
            ValueError: the value is too large, or the keys are not uniformly distributed.
        """
        before = self.get(key)
        if before is not None:
            return before
        if not 0 <= value < self._value_end:
            bits = self._value_end.bit_length() - 1
            raise ValueError(f"{value} does not fit into {bits} unsigned bits")
        self._pending[key & self._kept] = value
        if len(self._pending) >= self._max_pending:
            self._file.write(self._pending)
            self._pending.clear()
        return None
