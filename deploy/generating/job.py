"""The dashboard Job: progress, latencies and outcomes of one job."""

from deploy.generating.declaring import (
    Dashboard,
    Panel,
    Query,
    Row,
    Step,
    Variable,
    graph,
    percentile,
    percentiles,
    stat,
)

_JOB = '{job="$job"}'
_ENDED = 'asr_job_files{job="$job", state=~"done|empty|failed|skipped"}'
_KIND = "{{kind}}"

_GLANCE = (
    Panel(
        title="Done",
        description="Share of the known files of the job that have an outcome.",
        unit="percentunit",
        queries=(Query(f"sum({_ENDED}) / sum(asr_job_files{_JOB})"),),
        kind="gauge",
        width=4,
        height=4,
        most=1,
    ),
    stat(
        "Time remaining",
        "Time until no file of the job waits, as in `fleet status`.",
        "s",
        Query(f"max(asr_job_eta_seconds{_JOB})"),
    ),
    stat(
        "Audio done",
        "Transcribed audio of the job.",
        "h",
        Query(f"max(asr_job_audio_seconds{_JOB}) / 3600"),
    ),
    stat(
        "Audio remaining",
        "Waiting audio of the job, estimated.",
        "h",
        Query(f"max(asr_backlog_audio_seconds{_JOB}) / 3600"),
    ),
    stat(
        "Files remaining",
        "Files of the job without an outcome.",
        "short",
        Query(f"max(asr_backlog_files{_JOB})"),
    ),
    stat(
        "Files failed",
        "Files of the job that failed permanently. `fleet failures JOB` shows the reasons.",
        "short",
        Query('max(asr_job_files{job="$job", state="failed"})'),
        steps=(Step(1, "yellow"),),
    ),
)

_COURSE = (
    graph(
        "Files",
        "Files of the job by outcome, or their state while they have none.",
        "short",
        Query(f"max by (state) (asr_job_files{_JOB})", "{{state}}"),
        stacked=True,
    ),
    graph(
        "Throughput of the job",
        "Audio hours per hour of this job.",
        "suffix: h/h",
        Query(f"clamp_min(deriv(asr_job_audio_seconds{_JOB}[$__rate_interval]), 0)", "audio hours"),
    ),
    graph(
        "Audio done and remaining",
        "Transcribed audio, and the estimate of the waiting audio.",
        "h",
        Query(f"max(asr_job_audio_seconds{_JOB}) / 3600", "done"),
        Query(f"max(asr_backlog_audio_seconds{_JOB}) / 3600", "remaining"),
        stacked=True,
    ),
    graph(
        "Time remaining over time",
        "Estimated time remaining. An accurate estimate falls by one second per second.",
        "s",
        Query(f"max(asr_job_eta_seconds{_JOB})", "remaining"),
    ),
    graph(
        "Failures by kind",
        "Failed files of the job so far.",
        "short",
        Query(f"max by (kind) (asr_job_failures{_JOB})", _KIND),
    ),
    Panel(
        title="Failures now",
        description="Failed files of the job by kind of error, the most frequent first.",
        unit="short",
        queries=(Query(f"sort_desc(max by (kind) (asr_job_failures{_JOB}))", _KIND),),
        kind="bargauge",
        steps=(Step(1, "yellow"),),
    ),
)

_LATENCY = (
    *(
        graph(
            f"{words} of each stage",
            "Time of one file in one stage, over all jobs in progress: the metric has no label for "
            "the job.",
            "s",
            Query(percentile(share, "asr_stage_seconds", "stage"), "{{stage}}"),
        )
        for share, words in ((0.5, "Median"), (0.95, "95 %"), (0.99, "99 %"))
    ),
    graph(
        "Time per file",
        "Time from the start of a file to its commit, over all jobs.",
        "s",
        *percentiles("asr_file_seconds", 0.5, 0.95),
    ),
    graph(
        "Queue wait",
        "Time from publishing a shard to its start, over all jobs.",
        "s",
        *percentiles("asr_queue_wait_seconds", 0.5, 0.95),
    ),
    graph(
        "RTFx of files",
        "Audio seconds per second of a file's time, over all jobs.",
        "none",
        *percentiles("asr_rtfx", 0.05, 0.5, 0.95),
    ),
)

JOB = Dashboard(
    uid="funasr-fleet-job",
    title="Job",
    description="Progress, estimated end, latencies and outcomes of one job.",
    variables=(Variable(name="job", label="Job", metric="asr_job_files", newest_first=True),),
    rows=(
        Row("Progress", _GLANCE),
        Row("History", _COURSE),
        Row("Latency", _LATENCY),
    ),
)
