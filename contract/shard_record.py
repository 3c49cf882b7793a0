"""What became of each file of a shard: the rows that a worker leaves in S3 at its end.

One JSON object a line. A row whose `etag` is that of the result proves, without a look into the
result, which fingerprint it carries.
"""

from collections.abc import Iterable, Iterator
from typing import Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from contract.transcript import ErrorKind, Outcome


class _Frozen(BaseModel):
    # a later release may say more
    model_config = ConfigDict(frozen=True, extra="ignore")


class RecordedError(_Frozen):
    """Why a file failed for good."""

    kind: ErrorKind
    message: str


class FileRecord(_Frozen):
    """What became of one file."""

    index: NonNegativeInt | None = None
    """The file's position in the job."""
    relative: str
    """Name of the outputs below the output prefix; empty when it is not known any more."""
    outcome: Outcome
    etag: str | None = None
    """ETag of the result's .json, as listings show it; None when this shard wrote none."""
    fingerprint: str | None = None
    """What that result carries: see contract.layout.fingerprint."""
    audio_ms: NonNegativeInt = 0
    """Audio transcribed."""
    error: RecordedError | None = None
    """None unless the file failed, and when the reason is not known any more."""

    def to_line(self) -> bytes:
        """One line of JSON, its end included."""
        return self.model_dump_json().encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The row of a line.

        Raises:
            ValueError: when it is none; cut off, say.
        """
        return cls.model_validate_json(line)


def encode(records: Iterable[FileRecord]) -> bytes:
    """The rows as one object."""
    return b"".join(record.to_line() for record in records)


def decode(body: bytes) -> Iterator[FileRecord]:
    """The rows of an object; lines that are none are left out."""
    for line in body.split(b"\n"):
        if line:
            try:
                record = FileRecord.from_line(line)
            except ValueError:
                continue
            yield record
