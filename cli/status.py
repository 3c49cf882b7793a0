"""`fleet status`."""

import json
from typing import Annotated

import typer

from funasr_fleet.cli.exits import exit_of


def status(
    job: Annotated[str | None, typer.Argument(help="Name of the job; default: newest.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Update until the job has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
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
    from funasr_fleet.cli.status_view import console, view
    from funasr_fleet.cli.watching import watch_job
    from funasr_fleet.producer.errors import NoSuchJob
    from funasr_fleet.settings import Settings

    settings = Settings.load()
    if job is None:
        jobs = funasr_fleet.list_jobs(settings)
        if not jobs:
            raise NoSuchJob("no jobs yet; create one with `fleet enqueue`")
        job = jobs[0].job
    name = job
    if watch:
        found = watch_job(
            lambda: funasr_fleet.status(name, settings, gpu_hour_price), quiet=as_json
        )
    else:
        found = funasr_fleet.status(name, settings, gpu_hour_price)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    elif not watch:
        console().print(view(found))
    raise typer.Exit(exit_of(found))
