"""Panels of the dashboard Worker: stages, files, shards and batches."""

from deploy.generating.declaring import Query, graph, percentile, percentiles

_WORKER = 'instance="$instance"'
_SLOT = '{instance="$instance", slot=~"$slot"}'


def _rate(metric: str) -> str:
    return f"rate({metric}{{{_WORKER}}}[$__rate_interval])"


TIME = (
    graph(
        "Throughput",
        "Audio hours per hour of the worker.",
        "suffix: h/h",
        Query(f"sum({_rate('asr_audio_seconds_total')})", "audio hours"),
    ),
    graph(
        "Time in stages",
        "Seconds per second that files spend in each stage. Several files are fetched at once, so "
        "the sum can exceed the number of slots.",
        "s",
        Query(f"sum by (stage) ({_rate('asr_stage_seconds_sum')})", "{{stage}}"),
        stacked=True,
    ),
    graph(
        "Median of each stage",
        "Median of the time of one file in one stage.",
        "s",
        Query(percentile(0.5, "asr_stage_seconds", "stage", _WORKER), "{{stage}}"),
    ),
    graph(
        "95 % of each stage",
        "95th percentile of the time of one file in one stage.",
        "s",
        Query(percentile(0.95, "asr_stage_seconds", "stage", _WORKER), "{{stage}}"),
    ),
    graph(
        "Files",
        "Time from the start of a file to its commit.",
        "s",
        *percentiles("asr_file_seconds", 0.5, 0.95, where=_WORKER),
    ),
    graph(
        "Shards",
        "Time from taking a shard to its end: the most work that is lost when a worker crashes.",
        "s",
        *percentiles("asr_shard_seconds", 0.5, 0.95, where=_WORKER),
    ),
    graph(
        "RTFx",
        "Audio seconds per second of a file's time, and the median of the last day. An alert fires "
        "below a tenth of it.",
        "none",
        Query(f"asr:rtfx_of_files:by_worker{{{_WORKER}}}", "now"),
        Query(f"asr:rtfx_of_files:by_worker:median_1d{{{_WORKER}}}", "median of a day"),
    ),
    graph(
        "RTFx of files",
        "Distribution of RTFx over files.",
        "none",
        *percentiles("asr_rtfx", 0.05, 0.5, 0.95, where=_WORKER),
    ),
    graph(
        "Busy slots",
        "Seconds of model time per second, of all slots.",
        "none",
        Query(f"sum({_rate('asr_inference_seconds_total')})", "busy slots"),
    ),
)

SIZES = (
    graph(
        "Batch budget",
        "Maximum padded seconds of one batch. It falls when memory runs out, and then grows again.",
        "s",
        Query(f"asr_batch_budget_seconds{_SLOT}", "slot {{slot}}"),
    ),
    graph(
        "Speech per batch",
        "Speech in one batch of the recogniser.",
        "s",
        *percentiles("asr_batch_seconds", 0.5, 0.95, where=_WORKER),
    ),
    graph(
        "Padding",
        "Share of batches that is padding.",
        "percentunit",
        *percentiles("asr_batch_padding_ratio", 0.5, 0.95, where=_WORKER),
    ),
    graph(
        "Files per minute",
        "Files per minute by outcome.",
        "none",
        Query(f"60 * sum by (outcome) ({_rate('asr_files_total')})", "{{outcome}}"),
        stacked=True,
    ),
    graph(
        "Failures by kind",
        "Failed files per minute.",
        "none",
        Query(f"60 * sum by (kind) ({_rate('asr_failures_total')}) > 0", "{{kind}}"),
        stacked=True,
    ),
    graph(
        "Back-offs and redeliveries",
        "Per minute: batches for which memory was too small, redelivered shards, and messages "
        "moved to the dead letters.",
        "none",
        Query(f"60 * sum({_rate('asr_oom_backoffs_total')})", "out of device memory"),
        Query(f"60 * sum({_rate('asr_redeliveries_total')})", "redelivered"),
        Query(f"60 * sum({_rate('asr_dead_lettered_total')})", "dead letters"),
    ),
)
