"""What a worker's log tells of its shards; it is written as JSON."""

import contextlib
import json
from pathlib import Path
from typing import Any

SHARD_STARTED = "shard started"

SHARD_ENDS = (
    "shard finished",
    "shard postponed",
    "shard put aside",
    "shard handed back",
    "shard split",
    "model ready",
)
"""After these a child has no shard in its hands; the last is of a new child."""


def events(log: Path, *names: str) -> list[dict[str, Any]]:
    """What it said, of these names if any are given, in order."""
    found = []
    for line in log.read_bytes().splitlines():
        with contextlib.suppress(ValueError):  # Python's own words, or half a line
            event = json.loads(line)
            if isinstance(event, dict) and (not names or event.get("event") in names):
                found.append(event)
    return found


def shard_in_hand(log: Path, job: str) -> str | None:
    """The shard of the job that a worker with one child works on."""
    told = events(log, SHARD_STARTED, *SHARD_ENDS)
    last = told[-1] if told else {}
    is_at_work = last.get("event") == SHARD_STARTED and last.get("job") == job
    return str(last["shard"]) if is_at_work else None
