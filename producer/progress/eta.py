"""PURE. Estimates for the rest of a job: remaining audio, ETA and cost."""

from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.producer.progress.throughput import Throughput

_MS_PER_HOUR = 3_600_000


def remaining_audio_ms(counts: JobCounts) -> float | None:
    """Audio of the files without an outcome, in ms; None if it cannot be estimated.

    The mean audio of the finished files times the number of waiting files. Before any file is
    finished, the estimate of the plan. The longest files of a window come first, so the mean is
    too large early in a small job.
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
    """(seconds until the job is complete, basis of the estimate); (None, None) if unknown.

    Files differ in length, so audio is the better measure of the remaining work. File counts are
    used only while no audio is finished.
    """
    if counts.complete:
        return 0.0, "no files are waiting"
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
    """(cost so far, expected total cost), in the currency of the price; Nones without a price.

    Shards in progress are not included yet.
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
