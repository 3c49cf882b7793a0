"""PURE: the files of a window -> shards, each worth a stretch of device time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ShardLimits:
    """A shard is full when the next file would pass one of these."""

    files: int = 50
    seconds: float = 7200.0
    """Estimated audio: some seconds to a minute of a GPU's time, which is lost when it dies."""
    total_bytes: int = 256 << 20
    unknown_bytes: int = 4 << 20
    """What a file of unknown size is taken for."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file with its place in the job."""

    index: int
    row: bytes
    """Its reference as JSON, as it stands in a part and in a shard."""
    estimated_ms: int
    size_bytes: int | None = None
    done: bool = False
    """Its result is there already."""


def pack(files: Sequence[PlannedFile], limits: ShardLimits) -> Iterator[list[PlannedFile]]:
    """Group what is to be done, the longest files first, so that the last shards are short.

    A single file beyond a limit goes alone. The same files make the same groups.
    """
    group: list[PlannedFile] = []
    group_ms = group_bytes = 0
    most_ms = limits.seconds * 1000
    todo = (file for file in files if not file.done)
    for file in sorted(todo, key=lambda one: (-one.estimated_ms, one.index)):
        size = limits.unknown_bytes if file.size_bytes is None else file.size_bytes
        full = (
            len(group) >= limits.files
            or group_ms + file.estimated_ms > most_ms
            or group_bytes + size > limits.total_bytes
        )
        if group and full:
            yield group
            group, group_ms, group_bytes = [], 0, 0
        group.append(file)
        group_ms += file.estimated_ms
        group_bytes += size
    if group:
        yield group


def shard_name(job: str, window: int, number: int) -> str:
    """The same for the same files: a producer that is started again publishes no other shards."""
    return f"{job}-{window:05d}-{number:04d}"
