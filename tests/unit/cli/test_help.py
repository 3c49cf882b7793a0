"""Help and version, exit codes, and options that are rejected."""

import re
from importlib import metadata

import pytest
from typer.testing import CliRunner

from funasr_fleet.cli.exits import Exit, WrongUsage, exit_for
from funasr_fleet.cli.main import app
from funasr_fleet.cli.run import exporter
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.embedded.process import StartFailed
from funasr_fleet.producer.discovery import BadSource
from funasr_fleet.producer.errors import NoPlan, NoSuchJob
from funasr_fleet.settings import BadConfiguration
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectMissing,
    StoreUnavailable,
)
from tests.support.examples import invoke


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


def test_the_exit_codes_are_those_of_the_documentation() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "SOME_FAILED": 1,
        "WRONG_USAGE": 2,
        "UNREACHABLE": 3,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUsage(), 2),
        (BadConfiguration(), 2),
        (BadSource(), 2),
        (NoPlan(), 2),
        (BucketMissing(), 2),
        (ObjectMissing(), 2),
        (CredentialsRefused(), 2),
        (ObjectDenied(), 2),
        (NoSuchJob(), 3),
        (BrokerUnavailable(), 3),
        (StoreUnavailable(), 3),
        (StartFailed(), 3),
        (ValueError(), None),
        (RuntimeError(), None),
    ],
)
def test_expected_errors_have_an_exit_code_and_bugs_have_none(
    error: Exception, code: int | None
) -> None:
    assert exit_for(error) == code


@pytest.mark.parametrize("port", ["0", "70000", "-1"])
def test_an_invalid_port_is_wrong_usage(port: str) -> None:
    done = invoke(exporter, "--port", port)
    assert done.exit_code == 2
    assert "--port" in done.output
    assert "Traceback" not in done.output
