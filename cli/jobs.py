"""`fleet jobs`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def jobs(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List all jobs in the ledger, newest first.

    Example: fleet jobs
    """
    from rich.markup import escape
    from rich.table import Table

    import funasr_fleet
    from funasr_fleet.cli.status_view import STATE_STYLES, console, percent_of
    from funasr_fleet.producer.progress.humanize import decimal
    from funasr_fleet.producer.progress.measuring import fraction_of, state_of
    from funasr_fleet.producer.progress.repair import repair_note

    found = funasr_fleet.list_jobs()
    if as_json:
        documents = (
            {**asdict(one), "state": state_of(one), "note": repair_note(one)} for one in found
        )
        typer.echo(json.dumps(list(documents)))
        return
    if not found:
        typer.echo("no jobs yet; create one with `fleet enqueue`")
        return
    table = Table("job", "state")
    for name in ("files", "finished", "failed", "audio hours"):
        table.add_column(name, justify="right")
    table.add_column("output")
    for one in found:
        state = state_of(one)
        table.add_row(
            escape(one.job),
            f"[{STATE_STYLES[state]}]{state}[/]",
            "?" if state == "unknown" else f"{one.files:,}",
            percent_of(fraction_of(one)),
            f"{one.outcomes['failed']:,}",
            decimal(one.audio_ms / 3_600_000),
            escape(one.output),
        )
    console().print(table)
    for note in filter(None, map(repair_note, found)):
        typer.echo(note)
