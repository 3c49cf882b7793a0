"""PURE: references -> shards, each worth a stretch of device time."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract.job import AudioRef, Options, Shard


@dataclass(frozen=True, kw_only=True)
class ShardLimits:
    """A shard is full when the next file would pass one of these."""

    files: int = 50
    total_bytes: int = 256 << 20
    unknown_bytes: int = 4 << 20
    """What a file of unknown size is taken for."""


def number(refs: Iterable[AudioRef], start: int = 0) -> Iterator[AudioRef]:
    """Give every reference its index in the job."""
    for index, ref in enumerate(refs, start):
        yield ref.model_copy(update={"index": index})


def pack(refs: Iterable[AudioRef], limits: ShardLimits) -> Iterator[tuple[AudioRef, ...]]:
    """Group references in order; a single file beyond the limit goes alone."""
    group: list[AudioRef] = []
    group_bytes = 0
    for ref in refs:
        size_bytes = limits.unknown_bytes if ref.size_bytes is None else ref.size_bytes
        full = len(group) >= limits.files or group_bytes + size_bytes > limits.total_bytes
        if group and full:
            yield tuple(group)
            group, group_bytes = [], 0
        group.append(ref)
        group_bytes += size_bytes
    if group:
        yield tuple(group)


def make_shards(
    groups: Iterable[tuple[AudioRef, ...]],
    job: str,
    output: str,
    options: Options,
    *,
    overwrite: bool = False,
) -> Iterator[Shard]:
    """Name each group <job>-<number> and add what the job wants."""
    for count, group in zip(itertools.count(), groups, strict=False):
        yield Shard(
            schema_version=1,
            shard=f"{job}-{count:06d}",
            job=job,
            output=output,
            files=group,
            options=options,
            overwrite=overwrite,
        )
