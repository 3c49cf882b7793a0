"""Errors of storage in one delivery of a shard: which files are started, and when it is stopped.

The audio of one source (a bucket or a web server) may be unavailable while others answer, and a
source may never deliver some of its files. So the errors of each source are counted separately, and
a retry starts the files in another order: others are processed before the same ones fail again. A
source that only answers now and then is stopped by the limits of all sources, which do not stop
sources that have answered every request.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from funasr_fleet.contract.audio_address import host_of, is_web
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import split_uri
from funasr_fleet.storage.base import StoreError
from funasr_fleet.worker.error_handling import MAX_RETRIES, Retry, decide
from funasr_fleet.worker.errors import OutputRefused, OutputUnwritable

_MAX_RETRY_ERRORS = 5
"""If more files than this need a retry, storage is failing: the rest of the shard is not tried."""

_MAX_SOURCE_ERRORS = 5
"""If more files of a source than this fail in a row, its other files are not tried."""

_MAX_ERRORS = 20
"""If more files of all sources than this fail, and more than have been delivered, only sources
without an error are tried further."""

_MAX_LAST_ERRORS = 100
"""The same in the last retry, where files that are not tried fail. There, this is also the limit of
each source that has answered."""

_MAX_FAILED_S = 600.0
"""The same if failed fetches have taken more than this in total."""

_MAX_REFUSED = 5
"""If storage refuses the outputs of so many files and has written none, a test object is written:
names that storage refuses may be those of the first files only."""


@dataclass
class StorageErrors:
    """Collects the errors of one delivery. Any thread may call refused() and written()."""

    retries: int
    """How often the shard has been retried before."""
    check_writable: Callable[[], None]
    """Writes a test object below the output prefix; raises OutputUnwritable if it is refused."""
    _errors_in_a_row: Counter[str] = field(default_factory=Counter, init=False)
    """Per source."""
    _errors: int = field(default=0, init=False)
    """Of all sources."""
    _answers: int = field(default=0, init=False)
    """Files that a source has delivered, or reported as a permanent error."""
    _failed_s: float = field(default=0.0, init=False)
    """How long the failed fetches took."""
    _answered: set[str] = field(default_factory=set, init=False)
    """Sources that have answered the request of a file."""
    _failed: set[str] = field(default_factory=set, init=False)
    """Sources that have not delivered some file."""
    _first: Exception | None = field(default=None, init=False)
    """The first error of a file that must be retried later."""
    _to_retry: int = field(default=0, init=False)
    _refused: list[str] = field(default_factory=list, init=False)
    """Why the outputs of files were refused."""
    _has_written: bool = field(default=False, init=False)

    def files(self, refs: Iterable[AudioRef], stop: Callable[[], bool]) -> Iterator[AudioRef]:
        """Yield the files to start: the smallest first, so that the device starts early.

        A retry starts them in an order of its own. Once `stop` returns true, no further file is
        started.
        """
        in_order = sorted(refs, key=lambda ref: ref.size_bytes or 0)
        if self.retries:
            random.Random(self.retries).shuffle(in_order)
        for ref in in_order:
            if stop():
                return
            if not self._is_failing(_source_of(ref)):
                yield ref

    def _is_failing(self, source: str) -> bool:
        """Whether no further file of the source is started in this delivery."""
        is_last = self.retries >= MAX_RETRIES
        limit = _MAX_LAST_ERRORS if is_last else _MAX_ERRORS
        if self._errors > max(limit, self._answers) or self._failed_s > _MAX_FAILED_S:
            return source not in self._answered or source in self._failed
        if is_last and source in self._answered:
            return False
        return self._errors_in_a_row[source] > _MAX_SOURCE_ERRORS

    def source_answered(self, ref: AudioRef) -> None:
        """Note that the source of a file has delivered it, or a permanent error."""
        self._errors_in_a_row[_source_of(ref)] = 0
        self._answered.add(_source_of(ref))
        self._answers += 1

    def source_failed(self, ref: AudioRef, error: StoreError, seconds: float) -> None:
        """Add the error of a file whose audio must be fetched later, and the time it took."""
        self._first = self._first or error
        self._errors_in_a_row[_source_of(ref)] += 1
        self._failed.add(_source_of(ref))
        self._errors += 1
        self._failed_s += seconds

    def failed(self, error: Exception) -> None:
        """Add another error of a file that has no outcome: of the outputs, or of this machine.

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
            OutputUnwritable: the outputs of the first files, and a test object, are refused.
            StoreUnavailable: storage fails temporarily.
        """
        self._refused.append(str(error))
        if len(self._refused) >= _MAX_REFUSED:
            self._check_written()

    def check(self) -> None:
        """Check that every file has an outcome, and that not all outputs were refused.

        Raises:
            Exception: the first error of a file that must be retried later.
            OutputUnwritable: all outputs, and a test object, were refused.
        """
        if self._first:
            raise self._first
        self._check_written()

    def _check_written(self) -> None:
        if not self._refused or self._has_written:
            return
        try:
            self.check_writable()
        except OutputUnwritable:
            raise OutputUnwritable(self._refused[0]) from None
        self._has_written = True


def _source_of(ref: AudioRef) -> str:
    """The host of a web address, whatever its port and case; the bucket of an s3:// address.

    All ARNs are one source: they may name any number of regions.
    """
    if is_web(ref.audio):
        return host_of(ref.audio)
    bucket = split_uri(ref.audio)[0]
    return "s3://arn:" if bucket.startswith("arn:") else f"s3://{bucket}"
