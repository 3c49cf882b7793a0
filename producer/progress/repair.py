"""PURE. What to do about a job whose plan Redis does not hold whole."""

import shlex

from contract.ledger.values import JobCounts
from producer.progress.measuring import state_of

_ITS_OUTPUT = "s3://BUCKET/PREFIX/"


def reconcile_command(job: str, output: str = "") -> str:
    """The command that rebuilds what Redis holds of a job.

    Args:
        job: its name.
        output: prefix of its results; empty when it is not known.
    """
    return f"fleet reconcile {shlex.quote(job)} --output {shlex.quote(output or _ITS_OUTPUT)}"


def repair_note(counts: JobCounts) -> str | None:
    """One sentence that names the command; None unless the job's state is unknown."""
    if state_of(counts) != "unknown":
        return None
    command = reconcile_command(counts.job, counts.output)
    note = f"Redis does not hold the whole plan of job {counts.job}: rebuild it with `{command}`"
    if counts.created_at:
        return note
    return f"{note}; a job sent by another client has no plan, and its end cannot be determined"
