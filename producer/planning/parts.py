"""The plan of a job in S3: one part per window, written before any of it is published.

The first line of a part is the cursor of the next window. Every other line is one file: its row as
stored in shards, and the fields that only the plan needs.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from pydantic import ValidationError

from funasr_fleet.broker.ledger import JobWriter
from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.job import MAX_AUDIO_BYTES, MAX_INDEX, AudioRef
from funasr_fleet.contract.layout import part_uri
from funasr_fleet.producer.errors import JobRefused, PlannedFileInvalid
from funasr_fleet.producer.planning.estimating import LONGEST_MS
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.job_documents import DAMAGE, read_rows

_LEVEL = 1
"""gzip level: fast, for plans of ten million files; higher levels save little."""


@dataclass(frozen=True)
class Cursor:
    """The position in a backlog at which planning resumes."""

    source: int = 0
    """Number of the source."""
    position: str = ""
    """Position of the last planned item of this source; empty for none."""
    found: int = 0
    """References taken from all sources so far; also the next file index."""
    done: int = 0
    """How many of them had an up-to-date result."""
    bad: int = 0
    """Invalid rows so far."""
    ignored: dict[str, int] = field(default_factory=dict)
    """Number of ignored objects and files so far, by suffix."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A planned window."""

    number: int
    files: Sequence[PlannedFile]
    next_cursor: Cursor
    """Cursor of the next window."""

    @property
    def done(self) -> list[int]:
        """Indexes of the files that have an up-to-date result."""
        return [file.index for file in self.files if file.done]

    @property
    def estimated_ms(self) -> int:
        """Estimated audio of the other files, in ms."""
        return sum(file.estimated_ms for file in self.files if not file.done)


def write_part(store: ObjectStore, output: str, job: str, part: Part) -> None:
    """Write a part to S3. Raises StoreError."""
    lines = [json.dumps(asdict(part.next_cursor)).encode()]
    lines += [
        b'{"estimated_ms":%d,"done":%s,"row":%s}'
        % (file.estimated_ms, b"true" if file.done else b"false", file.row)
        for file in part.files
    ]
    body = gzip.compress(b"\n".join(lines) + b"\n", _LEVEL, mtime=0)
    store.write(part_uri(output, job, part.number), body, "application/gzip")


def read_part(store: ObjectStore, output: str, job: str, number: int) -> Part | None:
    """Read a part; None after the end of the plan.

    Raises:
        JobRefused: the object is not a part of a plan.
        StoreError: an S3 request failed.
    """
    try:
        if (rows := read_rows(store, output, job, number)) is None:
            return None
        first, *lines = rows
        cursor = _checked_cursor(Cursor(**json.loads(first)))
        return Part(number=number, files=[_read_line(line) for line in lines], next_cursor=cursor)
    except DAMAGE as error:
        raise JobRefused(
            f"{part_uri(output, job, number)} is not valid: {error!s:.100}; restore it, or enqueue "
            "the files in a new job"
        ) from None


def read_parts(store: ObjectStore, output: str, job: str, first: int = 0) -> Iterator[Part]:
    """Every part, starting with this window. Raises the errors of `read_part`."""
    number = first
    while part := read_part(store, output, job, number):
        yield part
        number += 1


def _read_line(line: bytes) -> PlannedFile:
    fields = json.loads(line)
    row = fields["row"]
    _check_whole(row["index"], MAX_INDEX)
    _check_whole(fields["estimated_ms"], LONGEST_MS)
    _check_whole(row.get("bytes") or 0, MAX_AUDIO_BYTES)
    if not isinstance(row.get("relative", ""), str) or not isinstance(fields["done"], bool):
        raise TypeError("a field has another type")
    return PlannedFile(
        index=row["index"],
        row=json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode(),
        estimated_ms=fields["estimated_ms"],
        size_bytes=row.get("bytes"),
        done=fields["done"],
    )


def _checked_cursor(cursor: Cursor) -> Cursor:
    numbers = (cursor.source, cursor.found, cursor.done, cursor.bad, *cursor.ignored.values())
    for number in numbers:
        _check_whole(number, 1 << 62)
    if not isinstance(cursor.position, str):
        raise TypeError("the position is not text")
    return cursor


def _check_whole(value: object, most: int) -> None:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"a number is not from 0 to {most}")


def planned_ref(file: PlannedFile) -> AudioRef:
    """The reference of a planned file.

    Raises:
        PlannedFileInvalid: an earlier release planned the file, and this one does not accept it.
    """
    try:
        return AudioRef.model_validate_json(file.row)
    except ValidationError as error:
        name = json.loads(file.row).get("relative", "")
        raise PlannedFileInvalid(
            f"file {file.index} ({name}) of the plan is not valid in this release "
            f"({explain(error)}): enqueue it in a new job, with an id that names its outputs"
        ) from None


def planned_row(ref: AudioRef, index: int | None) -> bytes:
    """A reference with its index as JSON, as stored in shards."""
    row = ref.model_dump_json(exclude_defaults=True, exclude={"index"}).encode()
    return row if index is None else b'{"index":%d,' % index + row[1:]


def count_part(writer: JobWriter, job: str, part: Part) -> None:
    """Count the part in the job's ledger. Raises BrokerUnavailable."""
    writer.plan(job, part.number, len(part.files), part.estimated_ms, part.done)


def refs_of(part: Part) -> list[AudioRef]:
    """The references of a part that is about to be published.

    Raises:
        JobRefused: this release does not accept a file, so workers would record it as failed.
    """
    try:
        return [planned_ref(file) for file in part.files]
    except PlannedFileInvalid as error:
        raise JobRefused(f"the job cannot be resumed: {error}") from None


def plan_parts(
    store: ObjectStore,
    writer: JobWriter,
    request: JobRequest,
    job: str,
    *,
    first: int,
    new_parts: Iterable[Part],
) -> Iterator[Part]:
    """Every part of a job, saved in S3 and counted in Redis before it is yielded.

    Args:
        store: where the plan is.
        writer: the ledger.
        request: the job's request.
        job: its name.
        first: number of the first window.
        new_parts: parts that earlier runs have not planned; they follow those in S3.

    Raises:
        BadSource: a source cannot be read.
        JobRefused: the saved plan contains a file that this release does not accept.
        StoreError: an S3 request failed.
        BrokerUnavailable: Redis is unavailable.
    """
    for part in read_parts(store, request.output, job, first):
        refs_of(part)
        count_part(writer, job, part)
        yield part
    for part in new_parts:
        write_part(store, request.output, job, part)
        count_part(writer, job, part)
        yield part
