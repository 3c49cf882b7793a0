"""Reads shard events from a worker's log in JSON format."""

import contextlib
import json
from pathlib import Path
from typing import Any

SHARD_STARTED = "shard started"

SHARD_ENDS = (
    "shard finished",
    "shard retry scheduled",
    "shard dead lettered",
    "shard requeued",
    "shard split",
    "model ready",
)
"""Events after which a child has no shard in progress; the last one comes from a new child."""


def events(log: Path, *names: str) -> list[dict[str, Any]]:
    """Return the events with these names, or all events, in order."""
    found = []
    for line in log.read_bytes().splitlines():
        with contextlib.suppress(ValueError):  # a line that is not JSON, or is incomplete
            event = json.loads(line)
            if isinstance(event, dict) and (not names or event.get("event") in names):
                found.append(event)
    return found


def shard_in_hand(log: Path, job: str) -> str | None:
    """Return the shard of the job that a worker with one child has in progress."""
    shard_events = events(log, SHARD_STARTED, *SHARD_ENDS)
    last = shard_events[-1] if shard_events else {}
    is_at_work = last.get("event") == SHARD_STARTED and last.get("job") == job
    return str(last["shard"]) if is_at_work else None
