"""Help in named sections, as plain text: options of a command, and commands of `fleet`."""

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

_OTHER = "Options"


class SectionedCommand(TyperCommand):
    """A command whose options are listed by their rich_help_panel."""

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
    """A group whose commands are listed by their rich_help_panel."""

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
