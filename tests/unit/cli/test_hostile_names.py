"""Names and errors of others are printed without control characters, in every command."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import funasr_fleet
from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.broker.job_report import FailureGroup, WarningGroup
from funasr_fleet.broker.ledger.file_warnings import WarningExample
from funasr_fleet.broker.ledger.values import FailureExample
from funasr_fleet.cli import terminal
from funasr_fleet.cli.dead import list_letters
from funasr_fleet.cli.exits import print_bad_rows
from funasr_fleet.cli.failures import failures
from funasr_fleet.cli.jobs import jobs, status
from funasr_fleet.producer.dead_letters.select import DeadList
from tests.support.examples import BEGUN, counted, invoke, status_of, steady

EVIL = "x\x1b]0;owned\x07\x9b2J\r\u202ey\ud800"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
JOB = replace(counted({"ok": 6, "failed": 4}, closed_at=BEGUN + 120), job=EVIL, output=EVIL)
EXAMPLE = FailureExample(kind="poison", index=2, relative=EVIL, message=EVIL)
WARNED = WarningExample(kind=EVIL, index=3, relative=EVIL)
LETTER = DeadLetter(message_id=EVIL, reason=EVIL, document=[EVIL], worker=EVIL, at=EVIL)


@pytest.fixture(autouse=True)
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text that the producer's functions return is hostile."""
    shown = replace(
        status_of(JOB, steady(2, 5, 3_600_000)),
        postponed={EVIL: 1},
        postponed_message=EVIL,
        unserved_queue=EVIL,
    )
    answers: dict[str, Any] = {
        "failures": (FailureGroup(kind=EVIL, count=3, examples=(EXAMPLE,)),),
        "file_warnings": (WarningGroup(kind=EVIL, count=3, examples=(WARNED,)),),
        "status": shown,
        "list_jobs": [JOB],
        "list_dead": DeadList(letters=(LETTER,), total=1),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(funasr_fleet, name, lambda *_, answer=answer, **__: answer)


COMMANDS = {
    "failures": (failures, "night"),
    "warnings": (failures, "night", "--warnings"),
    "jobs": (jobs,),
    "status": (status, "night"),
    "dead": (list_letters,),
}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_terminal_gets_no_control_characters(name: str) -> None:
    command, *arguments = COMMANDS[name]
    result = invoke(command, *arguments)  # type: ignore[arg-type]
    assert "\\u001b" in result.output
    assert not UNSAFE.search(result.output)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_json_has_the_texts_escaped(name: str) -> None:
    command, *arguments = COMMANDS[name]
    result = invoke(command, *arguments, "--json")  # type: ignore[arg-type]
    assert result.stdout.isascii()
    assert EVIL in str(list(_texts(json.loads(result.stdout)))) or EVIL in _texts(
        json.loads(result.stdout)
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def test_a_name_cannot_imitate_another_message(capsys: pytest.CaptureFixture[str]) -> None:
    print_bad_rows(["l.jsonl, line 2: unknown field a\nfleet: all done"], 1)
    terminal.warn("it failed: a\nfleet: all done")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("unknown field a\\u000afleet: all done")
    assert lines[1:] == ["fleet: it failed: a", "    fleet: all done"]


def test_all_output_of_commands_passes_one_module() -> None:
    folder = Path(terminal.__file__).parent
    direct = re.compile(r"typer\.echo|click\.echo|(?<![\w.])print\(|Console\(|sys\.std(out|err)\.w")
    found = [path.name for path in folder.glob("*.py") if direct.search(path.read_text())]
    assert found == ["terminal.py"]
