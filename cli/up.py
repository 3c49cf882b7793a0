"""`fleet up`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from funasr_fleet.cli.exits import Exit


def up(
    data: Annotated[Path, typer.Option(help="Folder for the data of broker and S3.")] = Path(
        ".fleet/up"
    ),
    devices: Annotated[str, typer.Option(help="auto, cpu, or a list of GPUs.")] = "cpu",
) -> None:
    """Run the embedded dev stack in the foreground until Ctrl-C.

    Use it to try the other commands. Example: run fleet up, and in another terminal the exports
    that it prints.
    """
    from funasr_fleet.embedded.exporter import LocalExporter
    from funasr_fleet.embedded.stack import running_stack
    from funasr_fleet.embedded.worker import LocalWorker

    with (
        running_stack(data, buckets=("audio", "transcripts")) as stack,
        LocalExporter(stack.environment, data) as exporter,
        LocalWorker(stack.environment, data, devices) as worker,
    ):
        exporter.wait_until_ready()
        worker.wait_until_ready()
        own = {"FLEET_MODEL": "demo", "FLEET_SCRATCH": "s3://transcripts/scratch/"}
        for name, value in {**stack.environment, **own}.items():
            typer.echo(f"export {name}={value}")
        typer.echo(f"# metrics: http://127.0.0.1:{worker.port}/metrics")
        typer.echo(f"# exporter: http://127.0.0.1:{exporter.port}/metrics")
        typer.echo("# try: fleet transcribe FILE")
        typer.echo("# try: fleet enqueue FOLDER --upload s3://audio/ --output s3://transcripts/")
        while worker.process.exit_code is None:
            time.sleep(0.5)
        typer.echo(f"fleet: the worker ended; its log is {worker.process.log}", err=True)
        raise typer.Exit(Exit.UNREACHABLE)
