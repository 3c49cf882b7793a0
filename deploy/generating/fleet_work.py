"""Panels of the dashboard Fleet: what waits and what is done."""

from deploy.generating.declaring import Query, Step, graph, percentile, percentiles, stat

_HOURS_PER_HOUR = "suffix: h/h"

GLANCE = (
    stat(
        "Throughput",
        "Audio hours transcribed per hour, over the last five minutes.",
        _HOURS_PER_HOUR,
        Query("asr:audio_hours_per_hour"),
    ),
    stat(
        "Audio in the chosen time",
        "Audio transcribed in the time that is chosen at the top right.",
        "h",
        Query("sum(increase(asr_audio_seconds_total[$__range])) / 3600"),
    ),
    stat("Backlog", "Audio that waits, estimated.", "h", Query("asr:backlog_audio_hours")),
    stat(
        "Time to drain",
        "Until nothing waits, at the speed of the last quarter of an hour.",
        "s",
        Query("asr:drain_seconds"),
        steps=(Step(4 * 3600, "yellow"), Step(24 * 3600, "red")),
    ),
    stat(
        "Slots ready",
        "Children with loaded models, and those that there should be. One child works one GPU.",
        "none",
        Query("asr:slots_ready", "ready"),
        Query("asr:slots", "there"),
    ),
    stat(
        "GPUs busy",
        "Seconds per second in which models were at work: GPUs in use, on average.",
        "none",
        Query("asr:slots_busy"),
    ),
    stat(
        "RTFx per slot",
        "Audio seconds per second of work of one slot. The scaler divides the backlog by it.",
        "none",
        Query("asr:rtfx_per_slot"),
    ),
    stat(
        "Hours per 1,000 audio hours",
        "Hours of slots, idle ones included, that a thousand audio hours take: times the price of "
        "a GPU hour, what they cost.",
        "h",
        Query("asr:slot_hours_per_1000_audio_hours"),
    ),
    stat(
        "Failed",
        "Share of the files of the last half hour that failed.",
        "percentunit",
        Query("asr:failure_ratio"),
        steps=(Step(0.01, "yellow"), Step(0.05, "red")),
    ),
    stat(
        "Dead letters",
        "Messages that were put aside: `fleet dead list` says why.",
        "none",
        Query("max(asr_dead_letters)"),
        steps=(Step(1, "yellow"),),
    ),
    stat(
        "Oldest message",
        "How long the oldest message has waited, of all queues.",
        "s",
        Query("max(asr_backlog_oldest_seconds)"),
        steps=(Step(24 * 3600, "red"),),
    ),
    stat(
        "Alerts",
        "Alerts of this fleet that fire: the runbook has an entry for each.",
        "none",
        Query('count(ALERTS{alertname=~"Fleet.+", alertstate="firing"}) or vector(0)'),
        steps=(Step(1, "red"),),
    ),
)

BACKLOG = (
    graph(
        "Backlog by job",
        "Audio hours that wait, of the ten jobs with the most of them.",
        "h",
        Query("topk(10, sum by (job) (asr_backlog_audio_seconds)) / 3600", "{{job}}"),
        stacked=True,
    ),
    graph(
        "Files and messages",
        "Files without an outcome, and the messages that carry them: ready ones wait, unacked ones "
        "are in work.",
        "short",
        Query("sum(asr_backlog_files)", "files"),
        Query("sum by (state) (asr_backlog_messages)", "messages {{state}}"),
    ),
    graph(
        "Time to drain and oldest message",
        "Time until nothing waits, and how long the oldest message of each queue has waited.",
        "s",
        Query("asr:drain_seconds", "time to drain"),
        Query("max by (queue) (asr_backlog_oldest_seconds)", "oldest of {{queue}}"),
    ),
    graph(
        "Slots",
        "Slots that the backlog wants, those that are there, ready, and busy. Wanted above there: "
        "the scaler is on its way, or GPUs cannot be had. Ready above busy: work does not reach "
        "them, or they wait for storage.",
        "none",
        Query("asr:slots_wanted", "wanted"),
        Query("asr:slots", "there"),
        Query("asr:slots_ready", "ready"),
        Query("asr:slots_busy", "busy"),
    ),
    graph(
        "Queue wait",
        "From publishing a shard to its start.",
        "s",
        *percentiles("asr_queue_wait_seconds", 0.5, 0.95),
    ),
    graph(
        "Jobs",
        "Jobs by where in their life they are.",
        "none",
        Query("max by (state) (asr_jobs)", "{{state}}"),
    ),
)

WORK = (
    graph(
        "Throughput by worker",
        "Audio hours per hour.",
        _HOURS_PER_HOUR,
        Query(
            'sum by (instance) (rate(asr_audio_seconds_total{instance=~"$instance"}'
            "[$__rate_interval]))",
            "{{instance}}",
        ),
        stacked=True,
    ),
    graph(
        "RTFx per GPU",
        "Audio seconds per second of work of one slot of each worker, storage included.",
        "none",
        Query('asr:rtfx_per_slot:by_worker{instance=~"$instance"}', "{{instance}}"),
    ),
    graph(
        "RTFx, spread",
        "Audio seconds per second of a file's time: slowest and fastest worker, fleet, and the "
        "fleet's median of a day. A tenth of that median is an alert.",
        "none",
        Query("min(asr:rtfx_of_files:by_worker)", "slowest worker"),
        Query("asr:rtfx_of_files", "fleet"),
        Query("max(asr:rtfx_of_files:by_worker)", "fastest worker"),
        Query("asr:rtfx_of_files:median_1d", "median of a day"),
    ),
    graph(
        "Files per minute",
        "Files by how they ended. Skipped ones had their result already.",
        "none",
        Query("60 * sum by (outcome) (rate(asr_files_total[$__rate_interval]))", "{{outcome}}"),
        stacked=True,
    ),
    graph(
        "Padding",
        "Share of batches that is padding: high with few, very different clips.",
        "percentunit",
        Query(
            "sum(rate(asr_batch_padding_ratio_sum[$__rate_interval])) "
            "/ sum(rate(asr_batch_padding_ratio_count[$__rate_interval]))",
            "mean",
        ),
        Query(percentile(0.95, "asr_batch_padding_ratio"), "95 %"),
    ),
    graph(
        "Speech at once",
        "Speech that goes through the recogniser together.",
        "s",
        Query(
            "sum(rate(asr_batch_seconds_sum[$__rate_interval])) "
            "/ sum(rate(asr_batch_seconds_count[$__rate_interval]))",
            "mean",
        ),
        Query(percentile(0.95, "asr_batch_seconds"), "95 %"),
    ),
)
