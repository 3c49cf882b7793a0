"""Rejected rows, saved in S3 beside the plan of their job."""

import contextlib
from dataclasses import dataclass, field

from funasr_fleet.contract.layout import job_uri
from funasr_fleet.storage.base import ObjectDenied, ObjectStore

_AT_ONCE = 10_000


@dataclass
class BadRows:
    """The invalid rows of one run. They must be saved: a resumed run skips these rows."""

    store: ObjectStore
    output: str
    """Prefix of the job's results."""
    job: str
    _waiting: list[str] = field(default_factory=list)
    """Rows that are not in S3 yet."""
    _last: int = 0
    """Number of the last row, counted from the start of the job."""
    _written: list[str] = field(default_factory=list)
    """Addresses of the objects written by this run."""

    def add(self, row: str, number: int) -> None:
        """Add a row; rows are written in batches of 10,000.

        Args:
            row: its location and the reason for the rejection.
            number: its number among the job's invalid rows, starting at 1.

        Raises:
            StoreError: an S3 request failed.
        """
        self._waiting.append(row)
        self._last = number
        if len(self._waiting) == _AT_ONCE:
            self.keep()

    def keep(self) -> None:
        """Write the rows that are not in S3 yet. Raises StoreError."""
        if self._waiting:
            uri = job_uri(self.output, self.job, f"bad_rows/{self._last:09d}.txt")
            body = "".join(f"{row}\n" for row in self._waiting).encode(errors="replace")
            self.store.write(uri, body, "text/plain; charset=utf-8")
            self._waiting.clear()
            self._written.append(uri)

    def remove(self) -> None:
        """Delete the rows of a job that was not created. Raises StoreError."""
        self._waiting.clear()
        with contextlib.suppress(ObjectDenied):  # producers may lack permission to delete
            while self._written:
                self.store.delete(self._written.pop())
