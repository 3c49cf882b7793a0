"""`fleet status`."""

import json
from typing import Annotated

import typer

from cli.exits import exit_of


def status(
    job: Annotated[str | None, typer.Argument(help="By default the newest job.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until the job is over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    gpu_hour_price: Annotated[
        float | None,
        typer.Option(min=0, metavar="X", help="What a GPU costs per hour, to tell the cost."),
    ] = None,
) -> None:
    """Show how far a job has come.

    Exit code 1 when it is over and some files failed, 3 when Redis does not hold its whole plan.

    Example: fleet status job-20261122 --watch --gpu-hour-price 1.80
    """
    import producer
    from cli.status_view import console, view
    from cli.watching import watch_job
    from contract.settings import Settings
    from producer.refusals import NoSuchJob

    settings = Settings.load()
    if job is None:
        jobs = producer.list_jobs(settings)
        if not jobs:
            raise NoSuchJob("there is no job yet; `fleet enqueue` makes one")
        job = jobs[0].job
    name = job
    if watch:
        found = watch_job(lambda: producer.status(name, settings, gpu_hour_price), quiet=as_json)
    else:
        found = producer.status(name, settings, gpu_hour_price)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    elif not watch:
        console().print(view(found))
    raise typer.Exit(exit_of(found))
