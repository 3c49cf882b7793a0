"""The outcomes of a job's files, as workers recorded them in S3."""

from array import array
from typing import get_args

from funasr_fleet.broker.ledger.file_warnings import UNKNOWN_WARNINGS, WARNINGS
from funasr_fleet.contract.job import MAX_INDEX
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_record import FileRecord
from funasr_fleet.contract.transcript import ErrorKind, Outcome
from funasr_fleet.producer.planning.discover import WINDOW_FILES
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.job_documents import read_records

_GOOD: tuple[Outcome, ...] = ("ok", "empty", "skipped")
_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)


class JobOutcomes:
    """Outcomes by file index, in eleven bytes per file. A failure never replaces a success."""

    def __init__(self, files: int = MAX_INDEX + 1) -> None:
        """Create it for a job of at most this many files; rows of other indexes are ignored."""
        self._files = files
        self._codes = bytearray()
        self._audio_ms = array("Q")
        self._warnings = array("H")
        """The bit 1 << n stands for WARNINGS[n]."""

    def take(self, record: FileRecord) -> None:
        """Add one row of a shard record."""
        if record.index is None or record.outcome == "cancelled" or record.index >= self._files:
            return
        missing = record.index + 1 - len(self._codes)
        if missing > 0:
            self._codes.extend(bytes(missing))
            self._audio_ms.extend([0] * missing)
            self._warnings.extend([0] * missing)
        code = self._codes[record.index]
        if record.outcome in _GOOD:
            if record.outcome == "skipped" and 0 < code <= len(_GOOD):
                return  # keep the outcome of the run that wrote the result
            self._codes[record.index] = 1 + _GOOD.index(record.outcome)
            self._audio_ms[record.index] = record.audio_ms
            self._warnings[record.index] = _bits_of_warnings(record)
        elif code == 0 or code > len(_GOOD):
            kind = record.error.kind if record.error else "model_error"
            self._codes[record.index] = 1 + len(_GOOD) + _KINDS.index(kind)

    def good(self, index: int) -> tuple[Outcome, int] | None:
        """(outcome, audio in ms) of a file that succeeded; else None."""
        code = self._codes[index] if index < len(self._codes) else 0
        return (_GOOD[code - 1], self._audio_ms[index]) if 0 < code <= len(_GOOD) else None

    def warnings(self, index: int) -> tuple[str, ...]:
        """Kinds of warning of a file that succeeded."""
        bits = self._warnings[index]
        return tuple(kind for place, kind in enumerate(WARNINGS) if bits >> place & 1)

    def failure(self, index: int) -> ErrorKind | None:
        """Error kind of a file that failed; else None."""
        code = self._codes[index] if index < len(self._codes) else 0
        return _KINDS[code - 1 - len(_GOOD)] if code > len(_GOOD) else None


def _bits_of_warnings(record: FileRecord) -> int:
    if record.outcome == "skipped":  # the result is of another job
        return 0
    found = (UNKNOWN_WARNINGS,) if record.warnings is None else record.warnings
    return sum(1 << place for place, kind in enumerate(WARNINGS) if kind in found)


def read_outcomes(store: ObjectStore, output: str, job: str) -> JobOutcomes:
    """Read all shard records of the job. Raises StoreError."""
    windows = sum(1 for _ in store.list(job_uri(output, job, "files/")))
    outcomes = JobOutcomes(windows * WINDOW_FILES)
    for record in read_records(store, job_uri(output, job, "shards/")):
        outcomes.take(record)
    return outcomes
