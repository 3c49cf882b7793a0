"""Help: commands and options in named sections, no line cut, and the version."""

import re
from importlib import metadata

import pytest
from typer.testing import CliRunner

from funasr_fleet.cli.main import app


def help_of(*command: str) -> str:
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.output


def sections(text: str) -> list[str]:
    return re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)


def test_commands_are_grouped_by_task_and_no_summary_is_cut() -> None:
    text = help_of()
    assert sections(text) == ["Options", "Run", "Jobs", "Results", "Operate"]
    assert "..." not in text.split("Run:")[1]
    for name in ("worker", "enqueue", "reconcile", "evaluate", "doctor", "dead"):
        assert re.search(rf"^  {name} +[A-Z].*\.$", text, re.MULTILINE), name


def test_options_of_enqueue_are_grouped() -> None:
    expected = ["Arguments", "Output", "Recognition", "What to transcribe", "Scheduling"]
    assert sections(help_of("enqueue")) == [*expected, "Dry run", "Options"]


@pytest.mark.parametrize("command", [("status",), ("dead", "list"), ("transcribe",)])
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    assert "--help" in help_of(*command)


def test_the_version_is_that_of_the_distribution() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output.strip()) == (
        0,
        f"funasr-fleet {metadata.version('funasr-fleet')}",
    )
