"""Rows that are no references, kept in S3 beside the plan of their job."""

import contextlib
from dataclasses import dataclass, field

from contract.layout import job_uri
from contract.store import ObjectDenied, ObjectStore

_AT_ONCE = 10_000


@dataclass
class BadRows:
    """Those of one run: whoever goes on with the job after a kill does not see them again."""

    store: ObjectStore
    output: str
    """Prefix of the job's results."""
    job: str
    _waiting: list[str] = field(default_factory=list)
    """Not in S3 yet."""
    _last: int = 0
    """Number of the last one, counted from the beginning of the job."""
    _kept: list[str] = field(default_factory=list)
    """Addresses of the objects that were written."""

    def add(self, row: str, number: int) -> None:
        """Take a row; many are written at once.

        Args:
            row: where it is, and why it is bad.
            number: how many there are with this one, from the beginning of the job.

        Raises:
            StoreError: S3 fails.
        """
        self._waiting.append(row)
        self._last = number
        if len(self._waiting) == _AT_ONCE:
            self.keep()

    def keep(self) -> None:
        """Write what is not in S3 yet. Raises StoreError."""
        if self._waiting:
            uri = job_uri(self.output, self.job, f"bad_rows/{self._last:09d}.txt")
            body = "".join(f"{row}\n" for row in self._waiting).encode(errors="replace")
            self.store.write(uri, body, "text/plain; charset=utf-8")
            self._waiting.clear()
            self._kept.append(uri)

    def remove(self) -> None:
        """Delete what was written: there is no such job. Raises StoreError."""
        self._waiting.clear()
        with contextlib.suppress(ObjectDenied):  # a producer need not be allowed to delete
            while self._kept:
                self.store.delete(self._kept.pop())
