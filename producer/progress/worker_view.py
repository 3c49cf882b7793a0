"""PURE. The reports of worker children, as `fleet status` shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from funasr_fleet.broker.ledger.values import WorkerSeen

OFFLINE_AFTER_S = 3600
"""Workers without a report for this long are not shown."""

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class WorkerView:
    """One worker child."""

    worker: str
    slot: int
    heard_s_ago: float
    """Seconds since its last report; it reports when it starts and finishes a shard."""
    job: str | None
    """Job of its current shard; None while idle."""
    shard: str | None
    files: int
    """Files finished since it started."""
    audio_hours: float
    rtfx: float | None
    """Audio seconds per second of work; None before its first finished shard."""


def view_workers(workers: Iterable[WorkerSeen], now: float) -> tuple[WorkerView, ...]:
    """The workers that reported within OFFLINE_AFTER_S, sorted by name and slot.

    Args:
        workers: the latest report of each worker child.
        now: seconds since the epoch.
    """
    recent = (one for one in workers if now - one.at <= OFFLINE_AFTER_S)
    return tuple(_view(one, now) for one in sorted(recent, key=lambda one: (one.worker, one.slot)))


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
