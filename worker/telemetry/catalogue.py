"""Every metric of a worker, declared once. Names and units are the public interface."""

from typing import get_args

from contract.metric import Metric, measured
from contract.transcript import STAGES, ErrorKind, Outcome, WarningKind

_STAGE_S = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    150,
    600,
)
_FILE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_SHARD_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_WAIT_S = (0.1, 1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600)
_RATIO = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
_BATCH_S = (1, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 2400)
_RTFX = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


CATALOGUE = (
    Metric(
        "asr_files_total",
        "counter",
        "Files by how they ended.",
        ("outcome",),
        values=get_args(Outcome),
    ),
    Metric(
        "asr_failures_total",
        "counter",
        "Failed files by kind of error.",
        ("kind",),
        values=get_args(ErrorKind),
    ),
    Metric("asr_audio_seconds_total", "counter", "Audio transcribed, in seconds."),
    Metric("asr_inference_seconds_total", "counter", "Time spent in the models, in seconds."),
    Metric(
        "asr_stage_seconds",
        "histogram",
        "Time of one file in one stage.",
        ("stage",),
        _STAGE_S,
        values=STAGES,
    ),
    Metric("asr_file_seconds", "histogram", "Time of one file, start to commit.", (), _FILE_S),
    Metric(
        "asr_queue_wait_seconds", "histogram", "From publishing a shard to its start.", (), _WAIT_S
    ),
    Metric("asr_shard_seconds", "histogram", "Time of one shard.", (), _SHARD_S),
    Metric("asr_rtfx", "histogram", "Audio seconds per second of work, per file.", (), _RTFX),
    Metric("asr_batch_padding_ratio", "histogram", "Share of a batch that is padding.", (), _RATIO),
    Metric(
        "asr_batch_seconds",
        "histogram",
        "Speech recognised at once, in seconds.",
        (),
        _BATCH_S,
    ),
    Metric(
        "asr_batch_budget_seconds", "gauge", "Padded seconds that one batch may have.", ("slot",)
    ),
    Metric(
        "asr_oom_backoffs_total", "counter", "Batches for which the device's memory was too small."
    ),
    Metric(
        "asr_busy_ratio",
        "gauge",
        "Share of the last shard's time in which its models were at work.",
        ("slot",),
    ),
    Metric("asr_empty_transcripts_total", "counter", "Files with speech but without text."),
    Metric(
        "asr_warnings_total",
        "counter",
        "Files whose text is doubtful, or whose audio is damaged, by what is doubtful.",
        ("kind",),
        values=get_args(WarningKind),
    ),
    Metric(
        "asr_redeliveries_total",
        "counter",
        "Shards that came again because a process died with them.",
    ),
    Metric("asr_dead_lettered_total", "counter", "Messages that this worker put aside."),
    Metric("asr_model_load_seconds", "gauge", "Time the last load of the models took.", ("slot",)),
    Metric(
        "asr_device_info",
        "gauge",
        "Always 1: what each slot runs on.",
        ("slot", "device", "name", "uuid"),
    ),
    Metric(
        "asr_torch_threads", "gauge", "torch's threads as found after the last file.", ("slot",)
    ),
    Metric(
        "asr_file_resident_bytes",
        "gauge",
        "Memory of the slot's child as found after the last file.",
        ("slot",),
    ),
    Metric(
        "asr_file_device_bytes",
        "gauge",
        "Device memory of the slot's child as found after the last file.",
        ("slot",),
    ),
    Metric(
        "asr_fast_path",
        "gauge",
        "1 when the slot takes the fast path, 0 when it works on FunASR's own.",
        ("slot", "path"),
    ),
    measured("asr_slots", "Children that the worker should have."),
    measured("asr_model_ready", "1 when the slot's child has loaded its models, else 0.", "slot"),
    measured(
        "asr_model_load_failures",
        "Children of the slot in a row that could not load their models.",
        "slot",
    ),
    measured(
        "asr_child_deaths",
        "Children of the slot in a row that died since one of them ended a shard.",
        "slot",
    ),
    measured("asr_planned_torch_threads", "Threads that the slot's child was given.", "slot"),
    measured("asr_device_expected", "1 when the model sits where it should, else 0.", "slot"),
    measured(
        "asr_device_utilization_ratio",
        "Busy share of the GPU, or of the child's CPU threads.",
        "slot",
    ),
    measured("asr_device_memory_bytes", "Device memory.", "slot", "kind"),
    measured("asr_device_temperature_celsius", "Temperature of the GPU.", "slot"),
    measured("asr_device_power_watts", "Power drawn by the GPU.", "slot"),
    measured("asr_resident_bytes", "Resident memory of the slot's child.", "slot"),
)
