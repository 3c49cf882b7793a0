"""`fleet failures`: why files failed, or which results have warnings."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from funasr_fleet.cli.exits import Exit
from funasr_fleet.cli.options import AsJson, JobName
from funasr_fleet.cli.terminal import cell, console, say, warn

if TYPE_CHECKING:
    from rich.table import Table

    from funasr_fleet.broker.job_report import FailureGroup, WarningGroup

Group = TypeVar("Group", "FailureGroup", "WarningGroup")


def failures(
    job: JobName,
    warnings: Annotated[
        bool, typer.Option("--warnings", help="Show the warnings of transcribed files instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show why files failed, by kind of error, most frequent first.

    Exit code 3 when the state of the job is unknown: the list may be incomplete.

    Example: fleet failures job-20261122
    """
    import funasr_fleet

    found = funasr_fleet.status(job)
    note = found.note
    has = "is known to have" if note else "has"
    if warnings:
        warned = funasr_fleet.file_warnings(job)
        _print(warned, f"no file of {job} {has} a warning", _show_warnings, as_json=as_json)
    else:
        failed = funasr_fleet.failures(job)
        _print(failed, f"no file of {job} {has} failed", _show_failures, as_json=as_json)
        if failed and not as_json and not found.counts.declared:
            say(f"retry them with: fleet retry {job}")
    if note:
        warn(f"the list may be incomplete. {note}")
        raise typer.Exit(Exit.UNREACHABLE)


def _print(
    groups: Sequence[Group], none: str, show: Callable[[Sequence[Group]], None], *, as_json: bool
) -> None:
    if as_json:
        say(json.dumps([asdict(group) for group in groups]))
    elif groups:
        show(groups)
    else:
        say(none)


def _show_failures(groups: "Sequence[FailureGroup]") -> None:
    from funasr_fleet.producer.progress.humanize import percent

    total = sum(group.count for group in groups)
    rows = (
        (
            *(cell(group.kind), f"{group.count:,}", percent(group.count, total)),
            "\n".join(cell(f"{one.relative}: {one.message}") for one in group.examples),
        )
        for group in groups
    )
    console().print(_table(("kind", "files", "share", "examples"), rows))


def _show_warnings(groups: "Sequence[WarningGroup]") -> None:
    rows = (
        (
            *(cell(group.kind), f"{group.count:,}"),
            "\n".join(cell(one.relative) for one in group.examples),
        )
        for group in groups
    )
    console().print(_table(("warning", "files", "examples"), rows))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*row, end_section=True)
    return table
