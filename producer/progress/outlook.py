"""PURE. What is still to come: audio that waits, when it will be done, what it will cost."""

from contract.ledger.values import JobCounts
from producer.progress.speed import Throughput

_MS_PER_HOUR = 3_600_000


def remaining_audio_ms(counts: JobCounts) -> float | None:
    """Audio that waits; None when nothing is known of it.

    The mean of the files that are finished, times those that wait; before any is finished, the
    estimate that was made when they were planned. A window's longest files come first, so that
    early in a small job the mean is too large.
    """
    if not counts.waiting:
        return 0.0
    worked = sum(counts.outcomes[name] for name in ("ok", "empty", "failed"))
    if worked and counts.audio_ms:
        return counts.waiting * counts.audio_ms / worked
    enqueued = counts.files - counts.outcomes["skipped"]
    if counts.estimated_ms and enqueued > 0:
        return counts.waiting * counts.estimated_ms / enqueued
    return None


def eta(
    counts: JobCounts,
    remaining_ms: float | None,
    now: Throughput | None,
    since_start: Throughput | None,
) -> tuple[float | None, str | None]:
    """Seconds until nothing waits, and what they are based on; Nones when nothing can be said.

    Files are of all lengths, so that audio is the better measure of what is left; files are
    counted only while no audio was finished.
    """
    if counts.complete:
        return 0.0, "nothing waits"
    if not counts.waiting:
        return None, None
    scope = "" if counts.published else ", for the files planned so far"
    for speed, period in ((now, "of the last 5 minutes"), (since_start, "since the start")):
        if speed and remaining_ms is not None and speed.audio_hours_per_hour:
            hours = remaining_ms / _MS_PER_HOUR / speed.audio_hours_per_hour
            return 3600 * hours, f"audio {period}{scope}"
        if speed and speed.files_per_s:
            return counts.waiting / speed.files_per_s, f"files {period}{scope}"
    return None, None


def cost(
    counts: JobCounts, remaining_ms: float | None, gpu_hour_price: float | None
) -> tuple[float | None, float | None]:
    """(so far, expected at the end), in the currency of the price; Nones without a price.

    The time of shards that have not ended is not in it yet.
    """
    if gpu_hour_price is None:
        return None, None
    so_far = gpu_hour_price * counts.work_ms / _MS_PER_HOUR
    if remaining_ms == 0:
        return so_far, so_far
    if remaining_ms is None or not counts.work_ms or not counts.measured_ms:
        return so_far, None
    remaining_work_ms = remaining_ms * counts.work_ms / counts.measured_ms
    return so_far, so_far + gpu_hour_price * remaining_work_ms / _MS_PER_HOUR
