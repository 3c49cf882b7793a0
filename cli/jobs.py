"""`fleet jobs`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def jobs(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List every job that the ledger knows, the newest first.

    Example: fleet jobs
    """
    from rich.console import Console
    from rich.table import Table

    import producer

    found = producer.list_jobs()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    table = Table("job", "files", "finished", "failed", "output")
    for one in found:
        numbers = (one.files, one.finished, one.outcomes["failed"])
        table.add_row(one.job, *map(str, numbers), one.output)
    Console().print(table)
