"""The plan of a job in S3: a part for each window, written before any of it is published.

First line of a part: where the source went on behind it. Every other line: one file, as it stands
in a shard, with what only the plan needs beside it.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from contract.job import AudioRef
from contract.layout import part_uri
from contract.plan_rows import read_rows
from contract.store import ObjectStore
from producer.planning.packing import PlannedFile

_LEVEL = 1
"""Ten million files go through; higher levels save little."""


@dataclass(frozen=True)
class Place:
    """Where a backlog goes on."""

    source: int = 0
    """Number of the source."""
    position: str = ""
    """Its last item that is planned; empty for none."""
    found: int = 0
    """References that were taken from all sources so far: the next index."""
    done: int = 0
    """Those of them that had their result already."""
    bad: int = 0
    """Rows so far that were no reference."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A window of the plan."""

    number: int
    files: Sequence[PlannedFile]
    behind: Place
    """Where the backlog goes on behind it."""

    @property
    def done(self) -> list[int]:
        """Indexes of the files that have their result already."""
        return [file.index for file in self.files if file.done]

    @property
    def estimated_ms(self) -> int:
        """Audio of those to be done."""
        return sum(file.estimated_ms for file in self.files if not file.done)


def write_part(store: ObjectStore, output: str, job: str, part: Part) -> None:
    """Keep a window. Raises StoreError."""
    lines = [json.dumps(asdict(part.behind)).encode()]
    lines += [
        b'{"estimated_ms":%d,"done":%s,"row":%s}'
        % (file.estimated_ms, b"true" if file.done else b"false", file.row)
        for file in part.files
    ]
    body = gzip.compress(b"\n".join(lines) + b"\n", _LEVEL, mtime=0)
    store.write(part_uri(output, job, part.number), body, "application/gzip")


def read_part(store: ObjectStore, output: str, job: str, number: int) -> Part | None:
    """A window of the plan; None where the plan ends. Raises StoreError."""
    if (rows := read_rows(store, output, job, number)) is None:
        return None
    place, *lines = rows
    behind = Place(**json.loads(place))
    return Part(number=number, files=[_read_line(line) for line in lines], behind=behind)


def read_parts(store: ObjectStore, output: str, job: str, first: int = 0) -> Iterator[Part]:
    """Every window from this one on. Raises StoreError."""
    number = first
    while part := read_part(store, output, job, number):
        yield part
        number += 1


def _read_line(line: bytes) -> PlannedFile:
    said = json.loads(line)
    row = said["row"]
    return PlannedFile(
        index=row["index"],
        row=json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode(),
        estimated_ms=said["estimated_ms"],
        size_bytes=row.get("bytes"),
        done=said["done"],
    )


def planned_row(ref: AudioRef, index: int | None) -> bytes:
    """A reference with its index as JSON, as it stands in shards."""
    row = ref.model_dump_json(exclude_defaults=True, exclude={"index"}).encode()
    return row if index is None else b'{"index":%d,' % index + row[1:]
