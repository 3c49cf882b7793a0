"""`fleet failures`: why files failed, or which results have warnings."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.options import AsJson, JobName

if TYPE_CHECKING:
    from rich.table import Table

    from funasr_fleet.broker.job_report import FailureGroup, WarningGroup


def failures(
    job: JobName,
    warnings: Annotated[
        bool, typer.Option("--warnings", help="Show the warnings of transcribed files instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show why files failed, by kind of error, most frequent first.

    Example: fleet failures job-20261122
    """
    import funasr_fleet

    if warnings:
        _show_warnings(funasr_fleet.file_warnings(job), job, as_json=as_json)
    else:
        _show_failures(funasr_fleet.failures(job), job, as_json=as_json)


def _show_failures(groups: "Sequence[FailureGroup]", job: str, *, as_json: bool) -> None:
    from funasr_fleet.cli.status_view import console
    from funasr_fleet.producer.progress.humanize import percent

    if as_json:
        typer.echo(json.dumps([asdict(group) for group in groups]))
        return
    if not groups:
        typer.echo(f"no file of {job} has failed")
        return
    total = sum(group.count for group in groups)
    rows = (
        (
            *(group.kind, f"{group.count:,}", percent(group.count, total)),
            "\n".join(f"{one.relative}: {one.message}" for one in group.examples),
        )
        for group in groups
    )
    console().print(_table(("kind", "files", "share", "examples"), rows))
    typer.echo(f"retry them with: fleet retry {job}")


def _show_warnings(groups: "Sequence[WarningGroup]", job: str, *, as_json: bool) -> None:
    from funasr_fleet.cli.status_view import console

    if as_json:
        typer.echo(json.dumps([asdict(group) for group in groups]))
        return
    if not groups:
        typer.echo(f"no file of {job} has a warning")
        return
    rows = (
        (group.kind, f"{group.count:,}", "\n".join(one.relative for one in group.examples))
        for group in groups
    )
    console().print(_table(("warning", "files", "examples"), rows))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*map(escape, row), end_section=True)
    return table
