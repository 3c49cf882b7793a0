"""Events -> metrics and log lines. An error in an observer never fails a shard."""

import logging
from collections.abc import Callable
from pathlib import Path

from funasr_fleet.worker.events import (
    BatchRecognised,
    DecoderReplaced,
    Event,
    FileFinished,
    FilesCancelled,
    InferenceTime,
    ModelReady,
    Observer,
    OutOfMemoryBackoff,
    ShardDeadLettered,
    ShardFinished,
    ShardRetryScheduled,
    ShardSplit,
    ShardStarted,
)
from funasr_fleet.worker.telemetry.logs import log_event
from funasr_fleet.worker.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

PARENT = -1
"""Stands for the parent, which has no slot and reports only the dead letters that it writes."""


def observers(run_dir: Path, slot: int = PARENT) -> Observer:
    """Return the observer that counts and logs each event of a child, or of the parent."""
    metrics = Metrics(run_dir, "parent" if slot == PARENT else f"slot{slot}")
    sinks: tuple[Callable[[Event], None], ...] = (
        lambda event: count(metrics, slot, event),
        log_event,
    )

    def observe(event: Event) -> None:
        for sink in sinks:
            try:
                sink(event)
            except Exception:
                log.exception("an observer failed on %s", type(event).__name__)

    return observe


def count(metrics: Metrics, slot: int, event: Event) -> None:
    """Update the metrics for an event."""
    match event:
        case ModelReady():
            metrics.gauges["asr_model_load_seconds"].labels(slot).set(event.seconds)
            metrics.gauges["asr_torch_threads"].labels(slot).set(event.threads)
            info = (slot, event.device, event.device_name, event.device_uuid)
            metrics.gauges["asr_device_info"].labels(*info).set(1)
            for path, taken in event.fast_paths.items():
                metrics.gauges["asr_fast_path"].labels(slot, path).set(taken)
        case ShardStarted():
            if event.queue_wait_s is not None:
                metrics.histograms["asr_queue_wait_seconds"].observe(event.queue_wait_s)
            if event.redelivered:
                metrics.counters["asr_redeliveries_total"].inc()
        case BatchRecognised() | InferenceTime() | OutOfMemoryBackoff():
            _count_work(metrics, slot, event)
        case FileFinished():
            _count_file(metrics, slot, event)
        case DecoderReplaced():
            metrics.counters["asr_decoder_restarts_total"].inc()
        case FilesCancelled():
            metrics.counters["asr_files_total"].labels("cancelled").inc(event.files)
        case _:
            _count_end(metrics, slot, event)


def _count_end(metrics: Metrics, slot: int, event: Event) -> None:
    """Count an event that ends a delivery."""
    match event:
        case ShardFinished():
            metrics.histograms["asr_shard_seconds"].observe(event.seconds)
            metrics.gauges["asr_busy_ratio"].labels(slot).set(event.busy_ratio)
        case ShardRetryScheduled():
            metrics.counters["asr_shards_postponed_total"].labels(event.kind).inc()
        case ShardSplit():
            metrics.counters["asr_redeliveries_total"].inc()
        case ShardDeadLettered():
            metrics.counters["asr_dead_lettered_total"].inc()


def _count_work(
    metrics: Metrics, slot: int, event: BatchRecognised | InferenceTime | OutOfMemoryBackoff
) -> None:
    match event:
        case BatchRecognised():
            metrics.histograms["asr_batch_seconds"].observe(event.seconds)
            metrics.histograms["asr_batch_padding_ratio"].observe(event.padding_ratio)
            metrics.gauges["asr_batch_budget_seconds"].labels(slot).set(event.budget_s)
        case InferenceTime():
            metrics.counters["asr_inference_seconds_total"].inc(event.seconds)
        case OutOfMemoryBackoff():
            metrics.counters["asr_oom_backoffs_total"].inc()
            metrics.gauges["asr_batch_budget_seconds"].labels(slot).set(event.budget_s)


def _count_file(metrics: Metrics, slot: int, file: FileFinished) -> None:
    metrics.counters["asr_files_total"].labels(file.outcome).inc()
    if file.error_kind:
        metrics.counters["asr_failures_total"].labels(file.error_kind).inc()
    if file.threads:  # 0 for files of a dead-lettered shard
        metrics.gauges["asr_torch_threads"].labels(slot).set(file.threads)
        metrics.gauges["asr_file_resident_bytes"].labels(slot).set(file.resident_bytes)
        metrics.gauges["asr_file_device_bytes"].labels(slot).set(file.device_bytes)
    for stage, seconds in file.stages_s.items():
        metrics.histograms["asr_stage_seconds"].labels(stage).observe(seconds)
    if file.outcome not in ("ok", "empty"):
        return
    metrics.histograms["asr_file_seconds"].observe(file.seconds)
    metrics.counters["asr_audio_seconds_total"].inc(file.audio_s)
    if file.seconds:
        metrics.histograms["asr_rtfx"].observe(file.audio_s / file.seconds)
    for kind in file.warnings:
        metrics.counters["asr_warnings_total"].labels(kind).inc()
    if "speech_without_text" in file.warnings:
        metrics.counters["asr_empty_transcripts_total"].inc()
