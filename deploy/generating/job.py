"""The dashboard Job: how far one job is, and what became of its files."""

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
        description="Files that have an outcome, of all that are known so far.",
        unit="percentunit",
        queries=(Query(f"sum({_ENDED}) / sum(asr_job_files{_JOB})"),),
        kind="gauge",
        width=4,
        height=4,
        most=1,
    ),
    stat(
        "To go",
        "Time until nothing of the job waits, as `fleet status` has it.",
        "s",
        Query(f"max(asr_job_eta_seconds{_JOB})"),
    ),
    stat(
        "Audio done",
        "Audio of the job that is transcribed.",
        "h",
        Query(f"max(asr_job_audio_seconds{_JOB}) / 3600"),
    ),
    stat(
        "Audio left",
        "Audio of the job that waits, estimated.",
        "h",
        Query(f"max(asr_backlog_audio_seconds{_JOB}) / 3600"),
    ),
    stat(
        "Files left",
        "Files of the job without an outcome.",
        "short",
        Query(f"max(asr_backlog_files{_JOB})"),
    ),
    stat(
        "Files failed",
        "Files of the job that failed for good: `fleet failures JOB` says of what.",
        "short",
        Query('max(asr_job_files{job="$job", state="failed"})'),
        steps=(Step(1, "yellow"),),
    ),
)

_COURSE = (
    graph(
        "Files",
        "Files of the job by how they ended, or that they have not.",
        "short",
        Query(f"max by (state) (asr_job_files{_JOB})", "{{state}}"),
        stacked=True,
    ),
    graph(
        "Throughput of the job",
        "Audio hours of this job per hour.",
        "suffix: h/h",
        Query(f"clamp_min(deriv(asr_job_audio_seconds{_JOB}[$__rate_interval]), 0)", "audio hours"),
    ),
    graph(
        "Audio done and left",
        "Audio that is transcribed, and the estimate of what waits.",
        "h",
        Query(f"max(asr_job_audio_seconds{_JOB}) / 3600", "done"),
        Query(f"max(asr_backlog_audio_seconds{_JOB}) / 3600", "left"),
        stacked=True,
    ),
    graph(
        "Time to go",
        "What was expected at each time; a line that falls as fast as time passes is a good one.",
        "s",
        Query(f"max(asr_job_eta_seconds{_JOB})", "to go"),
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
            "Time of one file in one stage, over all jobs that workers have in hand: stages are "
            "not told apart by job.",
            "s",
            Query(percentile(share, "asr_stage_seconds", "stage"), "{{stage}}"),
        )
        for share, words in ((0.5, "Median"), (0.95, "95 %"), (0.99, "99 %"))
    ),
    graph(
        "Whole files",
        "From the start of a file to its commit, over all jobs.",
        "s",
        *percentiles("asr_file_seconds", 0.5, 0.95),
    ),
    graph(
        "Wait of shards",
        "From publishing a shard to its start, over all jobs.",
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
    description="How far one job is, when it will end, and what became of its files.",
    variables=(Variable(name="job", label="Job", metric="asr_job_files", newest_first=True),),
    rows=(
        Row("How far", _GLANCE),
        Row("Its course", _COURSE),
        Row("How long files take", _LATENCY),
    ),
)
