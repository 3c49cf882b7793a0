"""Every metric of the exporter, declared once. Names and units are the public interface."""

from contract.metric import measured

CATALOGUE = (
    measured(
        "asr_backlog_messages",
        "Messages of a queue, in all of its lanes: ready ones wait, unacked ones are held.",
        "queue",
        "state",
    ),
    measured(
        "asr_backlog_oldest_seconds", "Age of the oldest message that waits in a queue.", "queue"
    ),
    measured("asr_backlog_files", "Files of a job without an outcome.", "job"),
    measured("asr_backlog_audio_seconds", "Audio of a job that waits, estimated.", "job"),
    measured("asr_dead_letters", "Messages that were put aside."),
    measured(
        "asr_jobs",
        "Jobs by where in their life they are; unknown ones wait for `fleet reconcile`.",
        "state",
    ),
    measured(
        "asr_job_files",
        "Files of a job by how they ended, or that they have not; none while its state is unknown.",
        "job",
        "state",
    ),
    measured("asr_job_failures", "Failed files of a job by kind of error.", "job", "kind"),
    measured("asr_job_audio_seconds", "Audio of a job that is transcribed.", "job"),
    measured(
        "asr_job_eta_seconds", "Time until nothing of a job waits, while that is known.", "job"
    ),
    measured("asr_broker_up", "1 when Redis answered at this scrape, else 0."),
    measured("asr_broker_memory_bytes", "Memory of Redis; a limit if it has one.", "kind"),
    measured("asr_broker_clients", "Connections to Redis."),
)

OTHERS = "(others)"
"""Label of all open jobs beyond those that have series of their own."""
