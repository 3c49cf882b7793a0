"""Panels of the dashboard Fleet: errors and Redis."""

from deploy.generating.declaring import Meaning, Query, Step, graph, states

TROUBLE = (
    graph(
        "Failures by kind",
        "Failed files per minute by kind of error. `fleet failures JOB` shows examples.",
        "none",
        Query("60 * sum by (kind) (rate(asr_failures_total[$__rate_interval])) > 0", "{{kind}}"),
        stacked=True,
    ),
    graph(
        "Failed and empty",
        "Share of files of the last half hour that failed, and that have speech but no text.",
        "percentunit",
        Query("asr:failure_ratio", "failed"),
        Query("asr:empty_transcript_ratio", "speech but no text"),
        steps=(Step(0.05, "red"),),
    ),
    graph(
        "Quality warnings",
        "Files per minute with suspect text or damaged audio, by kind of warning. See "
        "docs/options.md.",
        "none",
        Query("60 * sum by (kind) (rate(asr_warnings_total[$__rate_interval]))", "{{kind}}"),
    ),
    graph(
        "Redeliveries",
        "Shards per minute that were redelivered after a worker or a child was lost.",
        "none",
        Query("60 * sum(rate(asr_redeliveries_total[$__rate_interval]))", "redelivered"),
        Query("60 * sum(rate(asr_shard_seconds_count[$__rate_interval]))", "ended"),
    ),
    graph(
        "Postponed shards",
        "Shards per minute that workers could not process and republished, to be retried later.",
        "none",
        Query(
            "60 * sum by (reason) (rate(asr_shards_postponed_total[$__rate_interval]))",
            "{{reason}}",
        ),
    ),
    graph(
        "Dead letters over time",
        "Dead letters in total, and those added by workers within an hour.",
        "none",
        Query("max(asr_dead_letters)", "total"),
        Query("sum(increase(asr_dead_lettered_total[1h]))", "added within an hour"),
    ),
    graph(
        "Out of device memory",
        "Batches per minute for which the device's memory was too small. Each is retried in "
        "smaller batches.",
        "none",
        Query("60 * sum(rate(asr_oom_backoffs_total[$__rate_interval]))", "back-offs"),
    ),
    graph(
        "Decoder restarts",
        "Decoder processes per minute that crashed or hung, and were replaced. A file that ends "
        "two of them fails.",
        "none",
        Query("60 * sum(rate(asr_decoder_restarts_total[$__rate_interval]))", "restarts"),
    ),
    graph(
        "Failing children",
        "Highest number of consecutive children of one slot that could not load their models, or "
        "that exited without a completed shard.",
        "none",
        Query("max(asr_model_load_failures)", "could not load"),
        Query("max(asr_child_deaths)", "died"),
        steps=(Step(6, "red"),),
    ),
)

REDIS = (
    graph(
        "Memory of Redis",
        "Memory used by Redis, and its limit if one is set. A full Redis rejects every write.",
        "bytes",
        Query('max(asr_broker_memory_bytes{kind="used"})', "used"),
        Query('max(asr_broker_memory_bytes{kind="limit"})', "limit", needs="maxmemory"),
    ),
    graph(
        "Connections to Redis",
        "Open connections to Redis. Each process of a fleet has a few.",
        "none",
        Query("max(asr_broker_clients)", "connections"),
    ),
    states(
        "Redis reachable",
        "Whether Redis answered the exporter. While it does not, the backlog is unknown.",
        Query("asr_broker_up", "{{instance}}"),
        Meaning(1, "yes", "green"),
        Meaning(0, "no", "red"),
    ),
)
