"""Every metric of a worker, declared once. Names and units are a public interface."""

from typing import get_args

from funasr_fleet.contract.transcript import STAGES, ErrorKind, Outcome, PostponeReason, WarningKind
from funasr_fleet.metric import Metric, gauge

_STAGE_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1, 2.5, 5, 10, 30, 60, 150, 600),
)
_FILE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_SHARD_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_WAIT_S = (0.1, 1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600)
_RATIO = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
_BATCH_S = (1, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 2400)
_RTFX = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


CATALOGUE = (
    Metric(
        "asr_files_total", "counter", "Files by outcome.", ("outcome",), values=get_args(Outcome)
    ),
    Metric(
        "asr_failures_total",
        "counter",
        "Failed files by error kind.",
        ("kind",),
        values=get_args(ErrorKind),
    ),
    Metric("asr_audio_seconds_total", "counter", "Audio transcribed, in seconds."),
    Metric("asr_inference_seconds_total", "counter", "Time the models were running, in seconds."),
    Metric(
        "asr_stage_seconds",
        "histogram",
        "Time per file and stage.",
        ("stage",),
        _STAGE_S,
        values=STAGES,
    ),
    Metric("asr_file_seconds", "histogram", "Time per file, from fetch to commit.", (), _FILE_S),
    Metric(
        "asr_queue_wait_seconds",
        "histogram",
        "Time from publishing a shard to its start.",
        (),
        _WAIT_S,
    ),
    Metric("asr_shard_seconds", "histogram", "Time per shard.", (), _SHARD_S),
    Metric("asr_rtfx", "histogram", "Audio seconds per second of processing, per file.", (), _RTFX),
    Metric("asr_batch_padding_ratio", "histogram", "Share of a batch that is padding.", (), _RATIO),
    Metric("asr_batch_seconds", "histogram", "Speech in a batch, in seconds.", (), _BATCH_S),
    Metric(
        "asr_batch_budget_seconds",
        "gauge",
        "Maximum size of a batch, in seconds including padding.",
        ("slot",),
    ),
    Metric("asr_oom_backoffs_total", "counter", "Batches that ran out of device memory."),
    Metric("asr_decoder_restarts_total", "counter", "Decoder processes that crashed or hung."),
    Metric(
        "asr_busy_ratio",
        "gauge",
        "Share of the last shard's time in which the models were running.",
        ("slot",),
    ),
    Metric("asr_empty_transcripts_total", "counter", "Files with speech but without text."),
    Metric(
        "asr_warnings_total",
        "counter",
        "Files with a suspect transcript or damaged audio, by kind of warning.",
        ("kind",),
        values=get_args(WarningKind),
    ),
    Metric(
        "asr_redeliveries_total", "counter", "Shards redelivered after a crash of their process."
    ),
    Metric(
        "asr_shards_postponed_total",
        "counter",
        "Shards that were republished for a later retry, by reason.",
        ("reason",),
        values=get_args(PostponeReason),
    ),
    Metric(
        "asr_dead_lettered_total", "counter", "Messages that this worker moved to the dead letters."
    ),
    Metric("asr_model_load_seconds", "gauge", "Duration of the last model load.", ("slot",)),
    Metric(
        "asr_device_info",
        "gauge",
        "Always 1; the labels name the device of each slot.",
        ("slot", "device", "name", "uuid"),
    ),
    Metric("asr_torch_threads", "gauge", "torch's thread count after the last file.", ("slot",)),
    Metric(
        "asr_file_resident_bytes",
        "gauge",
        "Resident memory of the slot's child after the last file.",
        ("slot",),
    ),
    Metric(
        "asr_file_device_bytes",
        "gauge",
        "Device memory of the slot's child after the last file.",
        ("slot",),
    ),
    Metric(
        "asr_fast_path",
        "gauge",
        "1 when the slot uses the fast path, 0 when it uses FunASR's own.",
        ("slot", "path"),
    ),
    gauge("asr_slots", "Number of children that the worker should have."),
    gauge("asr_model_ready", "1 when the slot's child has loaded its models, else 0.", "slot"),
    gauge(
        "asr_model_load_failures",
        "Consecutive children of the slot that could not load their models.",
        "slot",
    ),
    gauge("asr_child_deaths", "Consecutive child exits without a completed shard.", "slot"),
    gauge("asr_planned_torch_threads", "Planned torch threads of the slot's child.", "slot"),
    gauge(
        "asr_device_expected",
        "1 when all parameters of the models are on the planned device, else 0.",
        "slot",
    ),
    gauge(
        "asr_device_utilization_ratio",
        "Utilization of the GPU, or of the child's CPU threads.",
        "slot",
    ),
    gauge("asr_device_memory_bytes", "Device memory by kind.", "slot", "kind"),
    gauge("asr_device_temperature_celsius", "GPU temperature.", "slot"),
    gauge("asr_device_power_watts", "GPU power draw.", "slot"),
    gauge("asr_resident_bytes", "Resident memory of the slot's child.", "slot"),
)
