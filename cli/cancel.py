"""`fleet cancel`."""

from typing import Annotated

import typer


def cancel(job: Annotated[str, typer.Argument(help="Name of the job.")]) -> None:
    """Let nobody begin another file of a job; what is in flight is finished.

    Example: fleet cancel job-20261122
    """
    import producer

    if producer.cancel(job):
        typer.echo(f"{job} is cancelled; what has its result keeps it: fleet status {job}")
    else:
        typer.echo(f"{job} is over already: nothing to cancel")
