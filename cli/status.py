"""`fleet status`."""

import json
from typing import Annotated

import typer

from cli.exits import Exit


def status(
    job: Annotated[str | None, typer.Argument(help="By default the newest job.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show how far a job has come. Exit code 1 when it is over and some files failed.

    Example: fleet status job-20261122 --json
    """
    from rich.console import Console
    from rich.table import Table

    import producer
    from producer.jobs import NoSuchJob

    if job is None:
        jobs = producer.list_jobs()
        if not jobs:
            raise NoSuchJob("there is no job yet; `fleet enqueue` makes one")
        job = jobs[0].job
    found = producer.status(job)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        table = Table("files", "waiting", *found.counts.outcomes, "audio hours", title=job)
        outcomes = map(str, found.counts.outcomes.values())
        hours = f"{found.counts.audio_ms / 3_600_000:.2f}"
        table.add_row(str(found.counts.files), str(found.waiting), *outcomes, hours)
        Console().print(table)
    if found.counts.complete and found.counts.outcomes["failed"]:
        raise typer.Exit(Exit.SOME_FAILED)
