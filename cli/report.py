"""`fleet report`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.exits import WrongUsage


def report(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page for the browser there.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, as without --html.")
    ] = False,
) -> None:
    """Sum a job up: outcomes, throughput over time, how long files took, and failures.

    Example: fleet report job-20261122 --html report.html
    """
    import producer
    from contract.settings import Settings
    from producer.report_page import page

    settings = Settings.load()
    document = producer.report(job, settings)
    if html:
        text = page(document, producer.failures(job, settings))
        try:
            # names that are no text, as a file system may hold them, shall not stop a report
            html.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise WrongUsage(f"--html {html} cannot be written: {error.strerror}") from None
    if as_json or not html:
        typer.echo(json.dumps(document))
    else:
        typer.echo(f"written to {html}")
