"""`fleet jobs`, `status`, `retry`, `cancel`, `close` and `reconcile`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.exits import Exit, exit_of, exit_of_counts, print_bad_rows
from funasr_fleet.cli.options import AsJson, JobName, check_output_option
from funasr_fleet.cli.terminal import cell, console, say, warn
from funasr_fleet.contract.job import MAX_INDEX

if TYPE_CHECKING:
    from funasr_fleet import ReconcileResult

_NO_JOBS = (
    "Redis has no jobs; create one with `fleet enqueue`. If Redis lost its data, rebuild the jobs "
    "with `fleet reconcile`"
)
_MAX_SHOWN = 10
"""Maximum number of shown reasons why files cannot be retried."""


def jobs(as_json: AsJson = False) -> None:
    """List all jobs in the ledger, newest first.

    Example: fleet jobs
    """
    from rich.table import Table

    import funasr_fleet
    from funasr_fleet.broker.ledger.values import MS_PER_HOUR
    from funasr_fleet.cli.status_view import STATE_STYLES, percent_of
    from funasr_fleet.producer.progress.humanize import decimal
    from funasr_fleet.producer.progress.measuring import fraction_of, state_of
    from funasr_fleet.producer.progress.repair import repair_note

    found = funasr_fleet.list_jobs()
    if as_json:
        documents = (
            {**asdict(one), "state": state_of(one), "note": repair_note(one)} for one in found
        )
        say(json.dumps(list(documents)))
        return
    if not found:
        say(_NO_JOBS)
        return
    table = Table("job", "state")
    for name in ("files", "finished", "failed", "audio hours"):
        table.add_column(name, justify="right")
    table.add_column("output")
    for one in found:
        state = state_of(one)
        table.add_row(
            cell(one.job),
            f"[{STATE_STYLES[state]}]{state}[/]",
            "?" if state == "unknown" else f"{one.files:,}",
            percent_of(fraction_of(one)),
            f"{one.outcomes['failed']:,}",
            decimal(one.audio_ms / MS_PER_HOUR),
            cell(one.output),
        )
    console().print(table)
    for note in filter(None, map(repair_note, found)):
        say(note)


def status(
    job: Annotated[str | None, typer.Argument(help="Name of the job; default: newest.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Update until the job has ended.")] = False,
    as_json: AsJson = False,
    gpu_hour_price: Annotated[
        float | None,
        typer.Option(min=0, metavar="X", help="Price of one GPU hour, to show the cost."),
    ] = None,
) -> None:
    """Show the progress of a job.

    Exit code 1 when it has ended and files failed, 3 when Redis does not hold its whole plan.

    Example: fleet status job-20261122 --watch --gpu-hour-price 1.80
    """
    import funasr_fleet
    from funasr_fleet.cli.status_view import view
    from funasr_fleet.cli.watching import watch_job
    from funasr_fleet.producer.errors import NoSuchJob
    from funasr_fleet.settings import Settings

    settings = Settings.load()
    if job is None:
        jobs = funasr_fleet.list_jobs(settings)
        if not jobs:
            raise NoSuchJob(_NO_JOBS)
        job = jobs[0].job
    name = job
    if watch:
        found = watch_job(
            lambda: funasr_fleet.status(name, settings, gpu_hour_price), quiet=as_json
        )
    else:
        found = funasr_fleet.status(name, settings, gpu_hour_price)
    if as_json:
        say(json.dumps(found.to_json()))
    elif not watch:
        console().print(view(found))
    raise typer.Exit(exit_of(found))


def retry(job: JobName, as_json: AsJson = False) -> None:
    """Publish the failed files of a job again.

    Exit code 1 when some of them cannot be published again.

    Example: fleet retry job-20261122
    """
    import funasr_fleet

    result = funasr_fleet.retry(job)
    print_bad_rows(result.invalid[:_MAX_SHOWN], len(result.invalid))
    if as_json:
        say(json.dumps(asdict(result)))
    elif result.files:
        say(f"{result.files} files of {job} enqueued again; watch it: fleet status {job}")
    elif not result.invalid:
        say(f"no file of {job} has failed: nothing to do")
    if result.invalid:
        raise typer.Exit(Exit.SOME_FAILED)


def cancel(job: JobName) -> None:
    """Cancel a job. The batch in progress finishes; no other file is transcribed.

    Example: fleet cancel job-20261122
    """
    import funasr_fleet

    if funasr_fleet.cancel(job):
        say(f"{job} is cancelled; existing results are kept: fleet status {job}")
    else:
        say(f"nothing to cancel: every file of {job} has an outcome already")


def close(
    job: JobName,
    files: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_INDEX + 1,
            help="Number of files of the job; default: the files that have an outcome.",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Output prefix of the job; required if Redis has lost it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the number of files of a job that another Celery client sends.

    The report is written when every file has an outcome. Without --files, the queues must be empty.
    Exit code 1 when the job has ended and files failed.

    Example: fleet close job-20261122 --files 412
    """
    import funasr_fleet
    from funasr_fleet.producer.progress.humanize import number_of
    from funasr_fleet.producer.progress.measuring import state_of
    from funasr_fleet.producer.progress.repair import repair_note

    if output is not None:
        check_output_option(output)
    counts = funasr_fleet.close(job, files=files, output=output)
    if as_json:
        say(json.dumps({**asdict(counts), "state": state_of(counts)}))
    elif counts.complete:
        failed = counts.outcomes["failed"]
        say(f"{job} is complete: {number_of(counts.files, 'file')}, {failed} failed")
    elif note := repair_note(counts):
        say(note)
    else:
        say(
            f"{job} has {number_of(counts.files, 'file')}, {counts.waiting} without an outcome; "
            f"watch it with: fleet status {job}"
        )
    raise typer.Exit(exit_of_counts(counts))


def reconcile(
    job: JobName,
    output: Annotated[
        str | None, typer.Option(help="Prefix of its results; required if Redis lost the job.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild a job in Redis from S3, and enqueue unfinished files.

    Unfinished files have neither a result nor an error report. Exit code 1 when S3 holds only a
    part of the plan: run the job's `fleet enqueue` again.

    Example: fleet reconcile job-20261122 --output s3://transcripts/2026/
    """
    import funasr_fleet

    result = funasr_fleet.reconcile(job, output=output)
    for warning in result.warnings:
        warn(warning)
    say(json.dumps(asdict(result)) if as_json else _sentence(result))
    if not result.planned:
        raise typer.Exit(Exit.SOME_FAILED)


def _sentence(result: "ReconcileResult") -> str:
    from funasr_fleet.producer.progress.humanize import number_of

    text = (
        f"{result.files} files of {result.job}: {result.done} done, {result.failed} failed, "
        f"{result.enqueued} enqueued again"
    )
    if result.cancelled:
        left = result.files - result.done - result.failed
        text += f"; the job is cancelled: {number_of(left, 'file')} not transcribed"
    if not result.planned:
        text += "; its plan is incomplete: run its `fleet enqueue` again"
    return text
