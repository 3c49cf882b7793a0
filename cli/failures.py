"""`fleet failures`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def failures(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show why files failed, by kind of error, most frequent first.

    Example: fleet failures job-20261122
    """
    from rich.markup import escape
    from rich.table import Table

    import funasr_fleet
    from funasr_fleet.cli.status_view import console
    from funasr_fleet.producer.progress.humanize import percent

    groups = funasr_fleet.failures(job)
    if as_json:
        typer.echo(json.dumps([asdict(group) for group in groups]))
        return
    if not groups:
        typer.echo(f"no file of {job} has failed")
        return
    total = sum(group.count for group in groups)
    table = Table("kind", "files", "share", "examples")
    for group in groups:
        examples = "\n".join(f"{one.relative}: {one.message}" for one in group.examples)
        share = percent(group.count, total)
        table.add_row(group.kind, f"{group.count:,}", share, escape(examples), end_section=True)
    console().print(table)
    typer.echo(f"retry them with: fleet retry {job}")
