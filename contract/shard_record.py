"""The outcome of each file of a shard, as rows that the worker writes to S3 when the shard ends.

One JSON object per line; the first is the header. If a row's `etag` equals that of the result, the
row's `fingerprint` is the result's, so the result need not be read.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from funasr_fleet.contract.job import MAX_INDEX, MAX_TIME_MS
from funasr_fleet.contract.transcript import ErrorKind, Outcome


class _Frozen(BaseModel):
    # a later release may add fields
    model_config = ConfigDict(frozen=True, extra="ignore")


class ShardHeader(_Frozen):
    """The shard whose files the rows are about."""

    shard: str


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
    at: float = 0.0
    """Unix time of the outcome; 0 in rows of earlier releases."""
    entry: Annotated[int, Field(ge=0)] | None = None
    """For an invalid entry without a name of its own, its place in the files of the message."""

    def to_line(self) -> bytes:
        """One line of JSON, with its newline."""
        unused = {"entry"} if self.entry is None else None
        return self.model_dump_json(exclude=unused).encode() + b"\n"


def encode(records: Iterable[FileRecord], header: ShardHeader | None = None) -> bytes:
    """The records as the body of one object."""
    first = header.model_dump_json().encode() + b"\n" if header else b""
    return first + b"".join(record.to_line() for record in records)


def decode(body: bytes) -> Iterator[FileRecord]:
    """The records of an object; the header and invalid lines are skipped."""
    for line in body.split(b"\n"):
        if line:
            try:
                record = FileRecord.model_validate_json(line)
            except ValueError:
                continue
            yield record


def decode_header(body: bytes) -> ShardHeader | None:
    """The header of an object; None in objects of earlier releases."""
    try:
        return ShardHeader.model_validate_json(body.partition(b"\n")[0])
    except ValueError:
        return None


_STEM_CHARS = 160
"""Names of parts stay below the limit of 200 characters."""
_PART = re.compile(rf"(.{{1,{_STEM_CHARS}}}~[0-9a-f]{{16}})\.\d+", re.DOTALL)


def stem_of_parts(shard: str) -> str:
    """What the names of the parts of a shard begin with; no other shard's parts have it."""
    return f"{shard[:_STEM_CHARS]}~{hashlib.sha256(shard.encode()).hexdigest()[:16]}"


def stem_in(part: str) -> str | None:
    """The stem in the name of a part; None if it is not the name of a part with a stem."""
    found = _PART.fullmatch(part)
    return found and found[1]
