"""Panels of the dashboard Fleet: what goes wrong, and how Redis does."""

from deploy.generating.declaring import Meaning, Query, Step, graph, states

TROUBLE = (
    graph(
        "Failures by kind",
        "Failed files per minute by kind of error: `fleet failures JOB` shows examples.",
        "none",
        Query("60 * sum by (kind) (rate(asr_failures_total[$__rate_interval])) > 0", "{{kind}}"),
        stacked=True,
    ),
    graph(
        "Failed, and without text",
        "Share of the files of the last half hour that failed, and of those with speech but no "
        "text.",
        "percentunit",
        Query("asr:failure_ratio", "failed"),
        Query("asr:empty_transcript_ratio", "speech but no text"),
        steps=(Step(0.05, "red"),),
    ),
    graph(
        "Doubtful results",
        "Files per minute whose text looks wrong or whose audio is damaged, by what is doubtful "
        "about them: docs/options.md.",
        "none",
        Query("60 * sum by (kind) (rate(asr_warnings_total[$__rate_interval]))", "{{kind}}"),
    ),
    graph(
        "Redeliveries",
        "Shards per minute that came again after a worker or a child was lost.",
        "none",
        Query("60 * sum(rate(asr_redeliveries_total[$__rate_interval]))", "came again"),
        Query("60 * sum(rate(asr_shard_seconds_count[$__rate_interval]))", "ended"),
    ),
    graph(
        "Dead letters over time",
        "Messages that lie aside, and how many workers put there within an hour.",
        "none",
        Query("max(asr_dead_letters)", "lie aside"),
        Query("sum(increase(asr_dead_lettered_total[1h]))", "put aside within an hour"),
    ),
    graph(
        "Out of device memory",
        "Batches per minute for which the device's memory was too small; each is tried again in "
        "smaller ones.",
        "none",
        Query("60 * sum(rate(asr_oom_backoffs_total[$__rate_interval]))", "back-offs"),
    ),
    graph(
        "Children that fail",
        "Most children in a row, of any slot, that could not load their models, or died since one "
        "of them ended a shard.",
        "none",
        Query("max(asr_model_load_failures)", "could not load"),
        Query("max(asr_child_deaths)", "died"),
        steps=(Step(6, "red"),),
    ),
)

REDIS = (
    graph(
        "Memory of Redis",
        "What Redis holds, and its limit if it has one. A full Redis refuses every write.",
        "bytes",
        Query('max(asr_broker_memory_bytes{kind="used"})', "used"),
        Query('max(asr_broker_memory_bytes{kind="limit"})', "limit", needs="maxmemory"),
    ),
    graph(
        "Connections to Redis",
        "Each process of a fleet has a few of them.",
        "none",
        Query("max(asr_broker_clients)", "connections"),
    ),
    states(
        "Redis answers",
        "Whether Redis answered the exporter. While it does not, nothing is known of the backlog.",
        Query("asr_broker_up", "{{instance}}"),
        Meaning(1, "yes", "green"),
        Meaning(0, "no", "red"),
    ),
)
