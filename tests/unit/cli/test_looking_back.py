"""`fleet failures`, `fleet report` and `fleet jobs`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import funasr_fleet
from funasr_fleet.broker import job_report
from funasr_fleet.broker.ledger.values import FailureExample
from funasr_fleet.cli.exits import WrongUsage
from funasr_fleet.cli.failures import failures
from funasr_fleet.cli.jobs import jobs
from funasr_fleet.cli.report import report
from funasr_fleet.producer.progress.failure_groups import FailureGroup
from tests.support.examples import BEGUN, counted, steady

JOB = counted({"ok": 6, "failed": 4}, audio_ms=7_200_000, closed_at=BEGUN + 120)
EXAMPLE = FailureExample(kind="poison", index=2, relative="a[red].mp3", message="killed 3 workers")
GROUPS = (
    FailureGroup(kind="poison", count=3, examples=(EXAMPLE,)),
    FailureGroup(kind="unknown", count=1, examples=()),
)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the producer answers."""
    known: dict[str, Any] = {"jobs": [JOB], "groups": GROUPS}
    document = job_report.report(JOB, steady(2, 5, 3_600_000), {3: 10})
    monkeypatch.setattr(funasr_fleet, "failures", lambda *_: known["groups"])
    monkeypatch.setattr(funasr_fleet, "report", lambda *_: document)
    monkeypatch.setattr(funasr_fleet, "list_jobs", lambda: known["jobs"])
    return known


def _run(command: Callable[..., None], *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def test_failures_are_shown_by_kind_with_examples() -> None:
    result = _run(failures, "night")
    assert result.exit_code == 0
    for phrase in ("poison", "75.0 %", "a[red].mp3: killed 3 workers", "fleet retry night"):
        assert phrase in result.stdout
    assert result.stdout.index("poison") < result.stdout.index("unknown")


def test_failures_as_one_document() -> None:
    first, second = json.loads(_run(failures, "night", "--json").stdout)
    assert (first["kind"], first["count"]) == ("poison", 3)
    assert first["examples"][0]["relative"] == "a[red].mp3"
    assert (second["kind"], second["examples"]) == ("unknown", [])


def test_a_job_without_failures_says_so(told: dict[str, Any]) -> None:
    told["groups"] = ()
    assert _run(failures, "night").stdout == "no file of night has failed\n"
    assert json.loads(_run(failures, "night", "--json").stdout) == []


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_report_is_one_json_document(arguments: tuple[str, ...]) -> None:
    document = json.loads(_run(report, "night", *arguments).stdout)
    assert (document["job"], document["outcomes"]["failed"]) == ("night", 4)


def test_a_report_for_the_browser_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "night.html"
    result = _run(report, "night", "--html", str(file))
    assert result.stdout == f"written to {file}\n"
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "killed 3 workers" in text
    both = _run(report, "night", "--html", str(file), "--json")
    assert json.loads(both.stdout)["job"] == "night"


def test_a_name_that_is_no_text_does_not_stop_the_page(
    told: dict[str, Any], tmp_path: Path
) -> None:
    odd = FailureExample(kind="poison", index=0, relative="\udcff.mp3", message="")
    told["groups"] = (FailureGroup(kind="poison", count=1, examples=(odd,)),)
    assert _run(report, "night", "--html", str(tmp_path / "a.html")).exit_code == 0


def test_a_page_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    error = _run(report, "night", "--html", str(tmp_path / "none" / "a.html")).exception
    assert isinstance(error, WrongUsage)
    assert "No such file or directory" in str(error)


def test_jobs_are_listed_with_their_state(told: dict[str, Any]) -> None:
    told["jobs"] = [
        counted({"ok": 5}, files=1_000_000, published=False, job="new"),
        counted({"ok": 1, "failed": 1}, files=4, job="half"),
        counted({"ok": 1}, files=4, cancelled_at=BEGUN, job="given-up"),
        counted({"ok": 4}, whole=False, job="lost"),
        JOB,
    ]
    rows = [line for line in _run(jobs).stdout.splitlines() if "│ s3://out/" in line]
    cells = [[cell.strip() for cell in row.strip("│┃ ").split("│")][:6] for row in rows]
    assert cells == [
        ["new", "planning", "1,000,000", "< 0.1 %", "0", "0"],
        ["half", "running", "4", "50.0 %", "1", "0"],
        ["given-up", "cancelled", "4", "25.0 %", "0", "0"],
        ["lost", "unknown", "?", "?", "0", "0"],
        ["night", "complete", "10", "100 %", "4", "2.00"],
    ]
    assert "fleet reconcile lost --output s3://out/" in _run(jobs).stdout
    documents = json.loads(_run(jobs, "--json").stdout)
    states = ["planning", "running", "cancelled", "unknown", "complete"]
    assert [one["state"] for one in documents] == states
    assert [bool(one["note"]) for one in documents] == [state == "unknown" for state in states]
    assert documents[0]["outcomes"]["ok"] == 5


def test_no_jobs_say_what_makes_one(told: dict[str, Any]) -> None:
    told["jobs"] = []
    assert "fleet enqueue" in _run(jobs).stdout
    assert json.loads(_run(jobs, "--json").stdout) == []
