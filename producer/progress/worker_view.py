"""PURE. What workers said of themselves, as `fleet status` shows it."""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.ledger.values import WorkerSeen

SILENT_S = 3600
"""A worker that said nothing for so long is gone."""

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class WorkerView:
    """One worker child."""

    worker: str
    slot: int
    heard_s_ago: float
    """Seconds since it last said something; it does so when it begins and ends a shard."""
    job: str | None
    """What it works on; None when it has nothing to do."""
    shard: str | None
    files: int
    """Files finished since it started."""
    audio_hours: float
    rtfx: float | None
    """Audio seconds per second of work; None before its first shard ended."""


def view_workers(workers: Iterable[WorkerSeen], now: float) -> tuple[WorkerView, ...]:
    """All that were heard of lately, by name and slot.

    Args:
        workers: what they said.
        now: seconds since the epoch.
    """
    lately = (one for one in workers if now - one.at <= SILENT_S)
    return tuple(_view(one, now) for one in sorted(lately, key=lambda one: (one.worker, one.slot)))


def _view(seen: WorkerSeen, now: float) -> WorkerView:
    return WorkerView(
        worker=seen.worker,
        slot=seen.slot,
        heard_s_ago=max(0.0, now - seen.at),
        job=seen.job,
        shard=seen.shard,
        files=seen.files,
        audio_hours=seen.audio_ms / _MS_PER_HOUR,
        rtfx=seen.audio_ms / seen.work_ms if seen.work_ms else None,
    )
