"""`fleet cancel`."""

from typing import Annotated

import typer


def cancel(job: Annotated[str, typer.Argument(help="Name of the job.")]) -> None:
    """Cancel a job. Files in progress finish; no new file is started.

    Example: fleet cancel job-20261122
    """
    import funasr_fleet

    if funasr_fleet.cancel(job):
        typer.echo(f"{job} is cancelled; existing results are kept: fleet status {job}")
    else:
        typer.echo(f"{job} has already ended: nothing to cancel")
