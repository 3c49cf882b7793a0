"""The events at the start and at the end of a shard."""

import time
from typing import Any

from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.queues import ENQUEUED_AT_HEADER
from funasr_fleet.worker.coordination.attempts import Attempt
from funasr_fleet.worker.events import ShardFinished, ShardStarted
from funasr_fleet.worker.process.os_process import peak_resident_bytes, resident_bytes


def started(shard: Shard, headers: dict[str, Any] | None, attempt: Attempt) -> ShardStarted:
    """The event of a shard that is started; `headers` are those of its message."""
    return ShardStarted(
        shard=shard.shard,
        job=shard.job,
        files=len(shard.files),
        queue_wait_s=_since((headers or {}).get(ENQUEUED_AT_HEADER)),
        redelivered=attempt.deaths > 0,
    )


def finished(
    shard: Shard, seconds: float, busy_s: float, threads: tuple[int, int]
) -> ShardFinished:
    """The event of a shard that has ended; `threads` are torch's threads before and after it."""
    before, after = threads
    return ShardFinished(
        shard=shard.shard,
        job=shard.job,
        seconds=seconds,
        busy_ratio=round(min(1.0, busy_s / max(seconds, 1e-9)), 3),
        threads_before=before,
        threads_after=after,
        resident_bytes=resident_bytes(),
        peak_resident_bytes=peak_resident_bytes(),
    )


def _since(sent_at: Any) -> float | None:
    try:
        return max(0.0, time.time() - float(sent_at))
    except (TypeError, ValueError):
        return None  # sent by another client, without this header or with another value
