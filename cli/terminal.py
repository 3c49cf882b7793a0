"""All output of commands: no text of others can control the terminal or imitate a message."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from funasr_fleet.contract.shown_text import indented, one_line, visible

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 160
"""Width in columns when stdout is a file or a pipe, so that tables are not folded."""


def say(text: str, *, err: bool = False) -> None:
    """Print the text to stdout, or to stderr."""
    typer.echo(visible(text), err=err)


def warn(text: str) -> None:
    """Print a warning or an error to stderr; its further lines are indented."""
    typer.echo(f"fleet: {indented(text)}", err=True)


def cell(text: str) -> str:
    """The text as a cell of a table: one line, without markup."""
    from rich.markup import escape

    return escape(one_line(text))


def console(*, stderr: bool = False) -> "Console":
    """The console for tables; wide unless it is a terminal."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class VisibleConsole(Console):
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=visible(segment.text))

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return VisibleConsole(width=None if is_terminal else _WIDE, highlight=False, stderr=stderr)
