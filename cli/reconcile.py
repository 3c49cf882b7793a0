"""`fleet reconcile`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.exits import Exit

if TYPE_CHECKING:
    from funasr_fleet import ReconcileResult


def reconcile(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    output: Annotated[
        str | None, typer.Option(help="Prefix of its results; required if Redis lost the job.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Rebuild a job in Redis from S3, and enqueue unfinished files.

    Unfinished files have neither a result nor an error report. Exit code 1 when S3 holds only a
    part of the plan: run the job's `fleet enqueue` again.

    Example: fleet reconcile job-20261122 --output s3://transcripts/2026/
    """
    import funasr_fleet

    result = funasr_fleet.reconcile(job, output=output)
    for warning in result.warnings:
        typer.echo(f"fleet: {warning}", err=True)
    typer.echo(json.dumps(asdict(result)) if as_json else _sentence(result))
    if not result.planned:
        raise typer.Exit(Exit.SOME_FAILED)


def _sentence(result: "ReconcileResult") -> str:
    text = (
        f"{result.files} files of {result.job}: {result.done} done, {result.failed} failed, "
        f"{result.enqueued} enqueued again"
    )
    if not result.planned:
        text += "; its plan is incomplete: run its `fleet enqueue` again"
    return text
