"""PURE: Redis replies -> values."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields

from funasr_fleet.broker.ledger.values import KINDS, OUTCOMES, JobCounts, Minute, WorkerSeen

_WORKER_FIELDS = frozenset(one.name for one in fields(WorkerSeen))

_JOB_FIELDS = {"created_at", "output", "published"}
"""Fields of every job that a producer created."""


def read_counts(
    job: str, meta: Mapping[str, str], shards: Sequence[str], windows: int, *bits: int
) -> JobCounts | None:
    """The counters of a job; None when none of its keys exist.

    Args:
        job: its name.
        meta: its hash.
        shards: files in flight of each open shard; see JobCounts.
        windows: number of windows of its plan that are counted.
        bits: files by outcome, then failed files by kind.
    """
    outcomes, kinds = bits[: len(OUTCOMES)], bits[len(OUTCOMES) :]
    if not (meta or shards or windows or any(outcomes)):
        return None
    return JobCounts(
        job=job,
        output=meta.get("output", ""),
        created_at=float(meta.get("created_at", 0)),
        published=meta.get("published") == "1",
        files=max(int(meta.get("files", 0)), sum(outcomes)),
        audio_ms=int(meta.get("audio_ms", 0)),
        outcomes=dict(zip(OUTCOMES, outcomes, strict=True)),
        kinds={kind: count for kind, count in zip(KINDS, kinds, strict=True) if count},
        estimated_ms=int(meta.get("estimated_ms", 0)),
        work_ms=int(meta.get("work_ms", 0)),
        restored_ms=int(meta.get("restored_ms", 0)),
        rounds=int(meta.get("rounds", 0)),
        open_shards=len(shards),
        in_flight=sum(max(0, int(left)) for left in shards),
        cancelled_at=_time(meta.get("cancelled_at")),
        closed_at=_time(meta.get("closed_at")),
        queue=meta.get("queue", ""),
        whole=_is_whole(meta, windows, sum(outcomes)),
    )


def _is_whole(meta: Mapping[str, str], windows: int, outcomes: int) -> bool:
    """Whether no outcome is lost and, once the plan is published, none of its windows.

    Jobs of earlier releases have no number of windows; their cursor points past the last window.
    """
    if not meta.keys() >= _JOB_FIELDS or outcomes < int(meta.get("recorded", 0)):
        return False
    if "rebuilding" in meta:
        return False
    if meta["published"] != "1":
        return True
    planned = int(meta.get("windows", meta.get("cursor_window", 0)))
    return windows == planned and (not windows or "files" in meta)


def read_minutes(stored: Mapping[str, str]) -> list[Minute]:
    """Files finished in each minute, in order."""
    minutes: defaultdict[int, dict[str, int]] = defaultdict(dict)
    names = {"f": "files", "a": "audio_ms", "x": "failed"}
    for name, value in stored.items():
        minutes[int(name[1:])][names[name[0]]] = int(value)
    return [Minute(minute=minute, **minutes[minute]) for minute in sorted(minutes)]


def read_worker(text: str) -> WorkerSeen:
    """The last report of a child; unknown fields of newer workers are ignored."""
    known = {name: value for name, value in json.loads(text).items() if name in _WORKER_FIELDS}
    return WorkerSeen(**known)


def _time(text: str | None) -> float | None:
    return None if text is None else float(text)
