"""PURE. The command that repairs a job whose plan in Redis is incomplete."""

import shlex

from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.producer.progress.measuring import state_of

_OUTPUT_PLACEHOLDER = "s3://BUCKET/PREFIX/"


def reconcile_command(job: str, output: str = "") -> str:
    """The command that rebuilds a job's ledger in Redis.

    Args:
        job: name of the job.
        output: prefix of its results; empty if unknown.
    """
    prefix = shlex.quote(output or _OUTPUT_PLACEHOLDER)
    return f"fleet reconcile {shlex.quote(job)} --output {prefix}"


def repair_note(counts: JobCounts) -> str | None:
    """One sentence with the repair command; None unless the job's state is unknown."""
    if state_of(counts) != "unknown":
        return None
    command = reconcile_command(counts.job, counts.output)
    note = f"Redis does not have the full plan of job {counts.job}: rebuild it with `{command}`"
    if counts.created_at:
        return note
    return f"{note}. A job sent by another client has no plan, so its end cannot be determined"
