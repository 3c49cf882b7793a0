"""`fleet doctor`: run the checks and print the findings."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.exits import Exit
from funasr_fleet.cli.options import AsJson
from funasr_fleet.cli.terminal import cell, console, say

if TYPE_CHECKING:
    from funasr_fleet.doctor import Finding

_STYLES = {"ok": "green", "warning": "yellow", "error": "red", "skipped": "dim"}


def doctor(
    audio: Annotated[
        str | None, typer.Option(help="s3://bucket/prefix/ of recordings, to test reading.")
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="s3://bucket/prefix/ of results, to test writing.")
    ] = None,
    model: Annotated[bool, typer.Option(help="Load the models, which takes a while.")] = True,
    as_json: AsJson = False,
) -> None:
    """Check everything a fleet needs, and advise on problems.

    Exit code 2 when a check fails, 3 when a service is unreachable or a model does not load.

    Example: fleet doctor --audio s3://calls/2026/ --output s3://transcripts/2026/
    """
    from funasr_fleet.doctor.checks import run_checks
    from funasr_fleet.settings import Settings

    settings = Settings.load()
    found = list(run_checks(settings, audio=audio, output=output, load_models=model))
    if as_json:
        say(json.dumps([asdict(one) for one in found]))
    else:
        _show(found)
    errors = [one for one in found if one.verdict == "error"]
    if errors:
        unreachable = any(one.unreachable for one in errors)
        raise typer.Exit(Exit.UNREACHABLE if unreachable else Exit.WRONG_USAGE)


def _show(found: "Iterable[Finding]") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for one in found:
        verdict = f"[{_STYLES[one.verdict]}]{one.verdict}[/]"
        advice = f"\n{one.advice}" if one.advice else ""
        table.add_row(verdict, one.row, cell(one.told + advice))
    console().print(table)
