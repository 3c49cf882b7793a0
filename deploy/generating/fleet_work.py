"""Panels of the dashboard Fleet: overview, backlog and throughput."""

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
        "Audio in the selected range",
        "Audio transcribed in the time range selected at the top right.",
        "h",
        Query("sum(increase(asr_audio_seconds_total[$__range])) / 3600"),
    ),
    stat("Backlog", "Waiting audio, estimated.", "h", Query("asr:backlog_audio_hours")),
    stat(
        "Time to drain",
        "Time until the backlog is empty, at the speed of the last quarter of an hour.",
        "s",
        Query("asr:drain_seconds"),
        steps=(Step(4 * 3600, "yellow"), Step(24 * 3600, "red")),
    ),
    stat(
        "Slots ready",
        "Children with loaded models, and the configured number. Each child uses one GPU.",
        "none",
        Query("asr:slots_ready", "ready"),
        Query("asr:slots", "configured"),
    ),
    stat(
        "GPUs busy",
        "Seconds of model time per second: the average number of busy GPUs.",
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
        "Slot hours, including idle slots, per thousand audio hours. Multiply by the price of a "
        "GPU hour to get the cost.",
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
        "Messages in the dead letters. `fleet dead list` shows the reasons.",
        "none",
        Query("max(asr_dead_letters)"),
        steps=(Step(1, "yellow"),),
    ),
    stat(
        "Oldest message",
        "Waiting time of the oldest message of all queues.",
        "s",
        Query("max(asr_backlog_oldest_seconds)"),
        steps=(Step(24 * 3600, "red"),),
    ),
    stat(
        "Alerts",
        "Firing alerts of this fleet. The runbook has an entry for each.",
        "none",
        Query('count(ALERTS{alertname=~"Fleet.+", alertstate="firing"}) or vector(0)'),
        steps=(Step(1, "red"),),
    ),
)

BACKLOG = (
    graph(
        "Backlog by job",
        "Waiting audio hours of the ten jobs with the largest backlog.",
        "h",
        Query("topk(10, sum by (job) (asr_backlog_audio_seconds)) / 3600", "{{job}}"),
        stacked=True,
    ),
    graph(
        "Files and messages",
        "Files without an outcome, and the messages that contain them: ready messages wait, "
        "unacked messages are in progress.",
        "short",
        Query("sum(asr_backlog_files)", "files"),
        Query("sum by (state) (asr_backlog_messages)", "messages {{state}}"),
    ),
    graph(
        "Time to drain and oldest message",
        "Time until the backlog is empty, and waiting time of the oldest message of each queue.",
        "s",
        Query("asr:drain_seconds", "time to drain"),
        Query("max by (queue) (asr_backlog_oldest_seconds)", "oldest of {{queue}}"),
    ),
    graph(
        "Slots",
        "Slots wanted for the backlog, configured, ready and busy. Wanted above configured: the "
        "scaler is still starting workers, or no GPUs are available. Ready above busy: slots get "
        "no messages, or wait for storage.",
        "none",
        Query("asr:slots_wanted", "wanted"),
        Query("asr:slots", "configured"),
        Query("asr:slots_ready", "ready"),
        Query("asr:slots_busy", "busy"),
    ),
    graph(
        "Queue wait",
        "Time from publishing a shard to its start.",
        "s",
        *percentiles("asr_queue_wait_seconds", 0.5, 0.95),
    ),
    graph(
        "Jobs",
        "Number of jobs by state.",
        "none",
        Query("max by (state) (asr_jobs)", "{{state}}"),
    ),
)

WORK = (
    graph(
        "Throughput by worker",
        "Audio hours per hour and worker.",
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
        "Audio seconds per second of work of one slot of each worker, including storage.",
        "none",
        Query('asr:rtfx_per_slot:by_worker{instance=~"$instance"}', "{{instance}}"),
    ),
    graph(
        "RTFx range",
        "Audio seconds per second of a file's time: slowest and fastest worker, fleet, and the "
        "fleet's median of a day. An alert fires below a tenth of that median.",
        "none",
        Query("min(asr:rtfx_of_files:by_worker)", "slowest worker"),
        Query("asr:rtfx_of_files", "fleet"),
        Query("max(asr:rtfx_of_files:by_worker)", "fastest worker"),
        Query("asr:rtfx_of_files:median_1d", "median of a day"),
    ),
    graph(
        "Files per minute",
        "Files per minute by outcome. Skipped files already had an up-to-date result.",
        "none",
        Query("60 * sum by (outcome) (rate(asr_files_total[$__rate_interval]))", "{{outcome}}"),
        stacked=True,
    ),
    graph(
        "Padding",
        "Share of batches that is padding. It is high for few clips of very different lengths.",
        "percentunit",
        Query(
            "sum(rate(asr_batch_padding_ratio_sum[$__rate_interval])) "
            "/ sum(rate(asr_batch_padding_ratio_count[$__rate_interval]))",
            "mean",
        ),
        Query(percentile(0.95, "asr_batch_padding_ratio"), "95 %"),
    ),
    graph(
        "Speech per batch",
        "Speech in one batch of the recogniser.",
        "s",
        Query(
            "sum(rate(asr_batch_seconds_sum[$__rate_interval])) "
            "/ sum(rate(asr_batch_seconds_count[$__rate_interval]))",
            "mean",
        ),
        Query(percentile(0.95, "asr_batch_seconds"), "95 %"),
    ),
)
