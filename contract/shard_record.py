"""The outcome of each file of a shard, as rows that the worker writes to S3 when the shard ends.

One JSON object per line. If a row's `etag` equals that of the result, the row's `fingerprint` is
the result's, so the result need not be read.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from funasr_fleet.contract.job import MAX_INDEX, MAX_TIME_MS
from funasr_fleet.contract.transcript import ErrorKind, Outcome


class _Frozen(BaseModel):
    # a later release may add fields
    model_config = ConfigDict(frozen=True, extra="ignore")


class RecordedError(_Frozen):
    """Why a file failed permanently."""

    kind: ErrorKind
    message: str


class FileRecord(_Frozen):
    """The outcome of one file."""

    index: Annotated[int, Field(ge=0, le=MAX_INDEX)] | None = None
    """The file's position in the job."""
    relative: str
    """Name of the outputs below the output prefix; empty when it is no longer known."""
    outcome: Outcome
    etag: str | None = None
    """ETag of the result's .json, as listings show it; None when this shard wrote none."""
    fingerprint: str | None = None
    """The fingerprint in that result; see contract.layout.fingerprint."""
    audio_ms: Annotated[int, Field(ge=0, le=MAX_TIME_MS)] = 0
    """Audio transcribed."""
    error: RecordedError | None = None
    """Why the file failed; None if it did not fail, or if the reason is no longer known."""
    warnings: tuple[str, ...] | None = None
    """Kinds of warning of the result; None if unknown, as in rows of earlier releases."""

    def to_line(self) -> bytes:
        """One line of JSON, with its newline."""
        return self.model_dump_json().encode() + b"\n"


def encode(records: Iterable[FileRecord]) -> bytes:
    """The records as the body of one object."""
    return b"".join(record.to_line() for record in records)


def decode(body: bytes) -> Iterator[FileRecord]:
    """The records of an object; invalid lines are skipped."""
    for line in body.split(b"\n"):
        if line:
            try:
                record = FileRecord.model_validate_json(line)
            except ValueError:
                continue
            yield record
