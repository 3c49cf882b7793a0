"""Errors of storage while one delivery of a shard is processed; they decide when it is stopped."""

from dataclasses import dataclass, field

from funasr_fleet.worker.error_handling import Retry, decide
from funasr_fleet.worker.errors import OutputRefused, OutputUnwritable

_MAX_RETRY_ERRORS = 5
"""If more files than this need a retry, storage is failing: the rest of the shard is not tried."""

_MAX_REFUSED = 5
"""If storage refuses the outputs of so many files and has written none, it would refuse all."""


@dataclass
class StorageErrors:
    """Collects the errors of one delivery. Any thread may call refused() and written()."""

    _first: Exception | None = field(default=None, init=False)
    """The first error of a file that must be retried later."""
    _to_retry: int = field(default=0, init=False)
    _refused: list[str] = field(default_factory=list, init=False)
    """Why the outputs of files were refused."""
    _has_written: bool = field(default=False, init=False)

    def failed(self, error: Exception) -> None:
        """Add the error of a file that has no outcome.

        Raises:
            Exception: the error, if the rest of the shard must not be tried.
        """
        self._first = self._first or error
        self._to_retry += 1
        is_retryable = isinstance(decide(error, 0), Retry)
        if self._to_retry > _MAX_RETRY_ERRORS or not is_retryable:
            raise error

    def written(self) -> None:
        """Note that storage has accepted an output of the job."""
        self._has_written = True

    def refused(self, error: OutputRefused) -> None:
        """Add the error of a file whose outputs, and error report, are refused.

        Raises:
            OutputUnwritable: the outputs of the first files are all refused.
        """
        self._refused.append(str(error))
        if len(self._refused) >= _MAX_REFUSED:
            self._check_written()

    def check(self) -> None:
        """Check that every file has an outcome, and that not all outputs were refused.

        Raises:
            Exception: the first error of a file that must be retried later.
            OutputUnwritable: all outputs were refused.
        """
        if self._first:
            raise self._first
        self._check_written()

    def _check_written(self) -> None:
        if self._refused and not self._has_written:
            raise OutputUnwritable(self._refused[0])
