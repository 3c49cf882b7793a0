"""`fleet doctor`."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from doctor.finding import Finding

_STYLES = {"ok": "green", "warning": "yellow", "error": "red", "skipped": "dim"}


def doctor(
    audio: Annotated[
        str | None, typer.Option(help="s3://bucket/prefix/ of recordings, to try reading.")
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="s3://bucket/prefix/ of results, to try writing.")
    ] = None,
    model: Annotated[bool, typer.Option(help="Load the models, which takes a while.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look at all that a fleet needs. Exit code 2 when something is wrong, 3 when it is not there.

    Example: fleet doctor --audio s3://calls/2026/ --output s3://transcripts/2026/
    """
    from contract.settings import Settings
    from doctor.examining import examine

    settings = Settings.load()
    found = list(examine(settings, audio=audio, output=output, load_models=model))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
    else:
        _show(found)
    wrong = [one for one in found if one.verdict == "error"]
    if wrong:
        gone = any(one.unreachable for one in wrong)
        raise typer.Exit(Exit.UNREACHABLE if gone else Exit.WRONG_USAGE)


def _show(found: "Iterable[Finding]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from cli.status_view import console

    table = Table(box=None, pad_edge=False, show_header=False)
    for one in found:
        verdict = f"[{_STYLES[one.verdict]}]{one.verdict}[/]"
        advice = f"\n{one.advice}" if one.advice else ""
        table.add_row(verdict, one.row, escape(one.told + advice))
    console().print(table)
