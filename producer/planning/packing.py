"""PURE: pack the files of a window into shards of limited size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ShardLimits:
    """Limits of a shard; it is full when the next file would exceed one of them."""

    files: int = 50
    seconds: float = 7200.0
    """Estimated audio: seconds to a minute of GPU time, which is lost if the worker crashes."""
    total_bytes: int = 256 << 20
    unknown_bytes: int = 4 << 20
    """Size assumed for a file of unknown size."""


MAX_ROWS_BYTES = 8 << 20
"""Rows of one shard; a message has at most 32 MiB. Rows with many hotwords reach it."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file and its index in the job."""

    index: int
    row: bytes
    """Its reference as JSON, as stored in parts and shards."""
    estimated_ms: int
    size_bytes: int | None = None
    done: bool = False
    """Whether it needs no work, usually because it has an up-to-date result."""


def pack(files: Sequence[PlannedFile], limits: ShardLimits) -> Iterator[list[PlannedFile]]:
    """Group the files that are not done, the longest first, so that the last shards are short.

    A file that exceeds a limit gets a shard of its own. The result is deterministic.
    """
    group: list[PlannedFile] = []
    group_ms = group_bytes = row_bytes = 0
    most_ms = limits.seconds * 1000
    todo = (file for file in files if not file.done)
    for file in sorted(todo, key=lambda one: (-one.estimated_ms, one.index)):
        size = limits.unknown_bytes if file.size_bytes is None else file.size_bytes
        full = (
            len(group) >= limits.files
            or group_ms + file.estimated_ms > most_ms
            or group_bytes + size > limits.total_bytes
            or row_bytes + len(file.row) > MAX_ROWS_BYTES
        )
        if group and full:
            yield group
            group, group_ms, group_bytes, row_bytes = [], 0, 0, 0
        group.append(file)
        group_ms += file.estimated_ms
        group_bytes += size
        row_bytes += len(file.row)
    if group:
        yield group


def shard_name(job: str, window: int, number: int) -> str:
    """Name of a shard. It is deterministic, so a resumed producer publishes the same shards."""
    return f"{job}-{window:05d}-{number:04d}"
