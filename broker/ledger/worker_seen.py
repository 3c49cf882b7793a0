"""PURE: the last report of a worker child."""

import contextlib
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

Count = Annotated[int, Field(ge=0, le=1 << 53)]


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """The last report of a worker child."""

    worker: str
    slot: Count
    at: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
    """Seconds since the epoch."""
    job: str | None = None
    shard: str | None = None
    """The shard it is processing; None when idle."""
    files: Count = 0
    audio_ms: Count = 0
    """Audio of the files finished since it started."""
    work_ms: Count = 0
    """Time spent on shards since it started."""
    in_progress_ms: Count = 0
    """Recognised audio of the unfinished files of its shard; not part of audio_ms."""


_SEEN = TypeAdapter(WorkerSeen)


def read_worker(text: str) -> WorkerSeen | None:
    """The last report of a child; None if it is invalid. Fields of newer workers are ignored."""
    with contextlib.suppress(ValidationError):
        return _SEEN.validate_json(text)
    return None
