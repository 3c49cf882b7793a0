"""Every metric of the exporter, declared once. Names and units are the public interface."""

from funasr_fleet.metric import gauge

CATALOGUE = (
    gauge(
        "asr_backlog_messages",
        "Messages of a queue in all of its lanes, ready or unacked (held by workers).",
        "queue",
        "state",
    ),
    gauge("asr_backlog_oldest_seconds", "Age of the oldest ready message of a queue.", "queue"),
    gauge("asr_backlog_files", "Files of a job without an outcome.", "job"),
    gauge("asr_backlog_audio_seconds", "Remaining audio of a job, estimated.", "job"),
    gauge("asr_dead_letters", "Dead letters: messages that failed permanently."),
    gauge(
        "asr_jobs",
        "Jobs by state; unknown ones need `fleet reconcile`.",
        "state",
    ),
    gauge(
        "asr_job_files",
        "Files of a job by outcome, in flight or waiting; absent while its state is unknown.",
        "job",
        "state",
    ),
    gauge("asr_job_failures", "Failed files of a job by kind of error.", "job", "kind"),
    gauge("asr_job_audio_seconds", "Audio of a job processed so far.", "job"),
    gauge("asr_job_eta_seconds", "Estimated time until a job is finished, if known.", "job"),
    gauge("asr_broker_up", "1 when Redis answered at this scrape, else 0."),
    gauge("asr_broker_memory_bytes", "Memory used by Redis, and its limit if it has one.", "kind"),
    gauge("asr_broker_clients", "Connections to Redis."),
)

OTHERS = "(others)"
"""Job label for the sum over all jobs that have no series of their own."""
