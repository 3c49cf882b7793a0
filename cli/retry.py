"""`fleet retry`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def retry(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Publish the failed files of a job again.

    Example: fleet retry job-20261122
    """
    import funasr_fleet

    result = funasr_fleet.retry(job)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    elif result.files:
        typer.echo(f"{result.files} files of {job} enqueued again; watch it: fleet status {job}")
    else:
        typer.echo(f"no file of {job} has failed: nothing to do")
