"""PURE. How to repair a job of unknown state."""

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


def lost_note(job: str, output: str) -> str:
    """That Redis lost data of a planned job while a command worked on it, and how to repair it."""
    return (
        f"Redis lost data of job {job} while this command worked on it: repair it with "
        f"`{reconcile_command(job, output)}`"
    )


def unindexed_note(job: str) -> str:
    """Why a job with files that have no index is never complete."""
    return (
        f"files of job {job} have no index, so their outcomes are not counted: send the files in "
        "another job, each with an index"
    )


def repair_note(counts: JobCounts) -> str | None:
    """How to repair the job, with the command; None unless its state is unknown."""
    if state_of(counts) != "unknown":
        return None
    job, command = counts.job, reconcile_command(counts.job, counts.output)
    if counts.unindexed:
        return unindexed_note(job)
    if counts.declared:
        return _repair_of_declared(counts)
    if counts.created_at:
        return f"Redis does not have the full plan of job {job}: rebuild it with `{command}`"
    return (
        f"Redis does not know the number of files of job {job}. If another client sends the job, "
        f"declare the number with `fleet close {job} --files N`; if `fleet enqueue` sent it, "
        f"rebuild it with `{command}`"
    )


def _repair_of_declared(counts: JobCounts) -> str:
    if counts.finished >= counts.files:
        return (
            f"more files of job {counts.job} have an outcome than were declared: correct the "
            f"number with `fleet close {counts.job} --files N`"
        )
    return (
        f"Redis has lost outcomes of job {counts.job}: send its files again (workers skip those "
        f"that have a result) and run `fleet close {counts.job} --files {counts.files}`"
    )
