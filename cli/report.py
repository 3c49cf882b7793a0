"""`fleet report`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from funasr_fleet.cli.exits import WrongUsage


def report(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as an HTML page.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document (default without --html).")
    ] = False,
) -> None:
    """Summarise a job: outcomes, throughput, latencies, failures.

    Example: fleet report job-20261122 --html report.html
    """
    import funasr_fleet
    from funasr_fleet.producer.jobs.report_page import page
    from funasr_fleet.settings import Settings

    settings = Settings.load()
    document = funasr_fleet.report(job, settings)
    if html:
        text = page(document, funasr_fleet.failures(job, settings))
        try:
            # file names that are not valid Unicode must not prevent the report
            html.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise WrongUsage(f"--html {html} cannot be written: {error.strerror}") from None
    if as_json or not html:
        typer.echo(json.dumps(document))
    else:
        typer.echo(f"written to {html}")
