"""PURE: the last report of a worker child."""

import json
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """The last report of a worker child."""

    worker: str
    slot: int
    at: float
    """Seconds since the epoch."""
    job: str | None = None
    shard: str | None = None
    """The shard it is processing; None when idle."""
    files: int = 0
    audio_ms: int = 0
    """Audio of the files finished since it started."""
    work_ms: int = 0
    """Time spent on shards since it started."""
    in_progress_ms: int = 0
    """Recognised audio of the unfinished files of its shard; not part of audio_ms."""


def read_worker(text: str) -> WorkerSeen:
    """The last report of a child; unknown fields of newer workers are ignored."""
    names = {one.name for one in fields(WorkerSeen)}
    known = {name: value for name, value in json.loads(text).items() if name in names}
    return WorkerSeen(**known)
