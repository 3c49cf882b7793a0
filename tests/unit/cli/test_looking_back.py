"""`fleet failures`, `fleet report`, `fleet jobs` and `fleet reconcile`."""

import json
from pathlib import Path
from typing import Any

import pytest

import funasr_fleet
from funasr_fleet import ReconcileResult
from funasr_fleet.broker import job_report
from funasr_fleet.broker.job_report import FailureGroup, WarningGroup
from funasr_fleet.broker.ledger.file_warnings import WarningExample
from funasr_fleet.broker.ledger.values import FailureExample
from funasr_fleet.cli.exits import WrongUsage
from funasr_fleet.cli.failures import failures
from funasr_fleet.cli.jobs import jobs, reconcile
from funasr_fleet.cli.results import report
from tests.support.examples import BEGUN, counted, invoke, status_of, steady

JOB = counted({"ok": 6, "failed": 4}, audio_ms=7_200_000, closed_at=BEGUN + 120)
EXAMPLE = FailureExample(kind="poison", index=2, relative="a[red].mp3", message="killed 3 workers")
GROUPS = (
    FailureGroup(kind="poison", count=3, examples=(EXAMPLE,)),
    FailureGroup(kind="unknown", count=1, examples=()),
)

DAMAGED = WarningExample(kind="audio_damaged", index=3, relative="b[bold].mp3")
WARNED = (
    WarningGroup(kind="audio_damaged", count=1_200, examples=(DAMAGED,)),
    WarningGroup(kind="unknown", count=2, examples=()),
)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces the producer's functions: their results."""
    known: dict[str, Any] = {"jobs": [JOB], "groups": GROUPS, "warned": WARNED, "job": JOB}
    document = job_report.report(JOB, steady(2, 5, 3_600_000), {3: 10})
    monkeypatch.setattr(funasr_fleet, "failures", lambda *_: known["groups"])
    monkeypatch.setattr(funasr_fleet, "file_warnings", lambda *_: known["warned"])
    monkeypatch.setattr(funasr_fleet, "status", lambda *_: status_of(known["job"]))
    monkeypatch.setattr(funasr_fleet, "report", lambda *_: document)
    monkeypatch.setattr(funasr_fleet, "list_jobs", lambda: known["jobs"])
    return known


def test_failures_are_shown_by_kind_with_examples() -> None:
    result = invoke(failures, "night")
    assert result.exit_code == 0
    for phrase in ("poison", "75.0 %", "a[red].mp3: killed 3 workers", "fleet retry night"):
        assert phrase in result.stdout
    assert result.stdout.index("poison") < result.stdout.index("unknown")


def test_failures_can_be_one_json_document() -> None:
    first, second = json.loads(invoke(failures, "night", "--json").stdout)
    assert (first["kind"], first["count"]) == ("poison", 3)
    assert first["examples"][0]["relative"] == "a[red].mp3"
    assert (second["kind"], second["examples"]) == ("unknown", [])


def test_a_job_without_failures_says_so(told: dict[str, Any]) -> None:
    told["groups"] = ()
    assert invoke(failures, "night").stdout == "no file of night has failed\n"
    assert json.loads(invoke(failures, "night", "--json").stdout) == []


def test_warnings_are_shown_by_kind_with_examples() -> None:
    shown = invoke(failures, "night", "--warnings").stdout
    for phrase in ("audio_damaged", "1,200", "b[bold].mp3", "unknown"):
        assert phrase in shown
    assert "poison" not in shown
    assert "retry" not in shown
    first, second = json.loads(invoke(failures, "night", "--warnings", "--json").stdout)
    assert (first["kind"], first["count"]) == ("audio_damaged", 1200)
    assert first["examples"] == [{"kind": "audio_damaged", "index": 3, "relative": "b[bold].mp3"}]
    assert (second["count"], second["examples"]) == (2, [])


def test_a_job_without_warnings_says_so(told: dict[str, Any]) -> None:
    told["warned"] = ()
    assert invoke(failures, "night", "--warnings").stdout == "no file of night has a warning\n"
    assert json.loads(invoke(failures, "night", "--warnings", "--json").stdout) == []


@pytest.mark.parametrize(("arguments", "phrase"), [((), "failed"), (("--warnings",), "a warning")])
def test_an_incomplete_ledger_is_not_a_job_without_failures(
    told: dict[str, Any], arguments: tuple[str, ...], phrase: str
) -> None:
    told.update(groups=(), warned=(), job=counted({"ok": 4}, whole=False))
    shown = invoke(failures, "night", *arguments)
    assert shown.stdout == f"no file of night is known to have {phrase}\n"
    assert shown.stderr.startswith("fleet: the list may be incomplete. Redis does not have the ")
    assert ("fleet reconcile night" in shown.stderr, shown.exit_code) == (True, 3)
    shown = invoke(failures, "night", *arguments, "--json")
    assert shown.exit_code == 3
    assert (shown.stdout, "fleet reconcile night" in shown.stderr) == ("[]\n", True)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_report_is_one_json_document(arguments: tuple[str, ...]) -> None:
    document = json.loads(invoke(report, "night", *arguments).stdout)
    assert (document["job"], document["outcomes"]["failed"]) == ("night", 4)


def test_a_report_for_the_browser_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "night.html"
    result = invoke(report, "night", "--html", str(file))
    assert result.stdout == f"written to {file}\n"
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "killed 3 workers" in text
    assert "b[bold].mp3" in text
    both = invoke(report, "night", "--html", str(file), "--json")
    assert json.loads(both.stdout)["job"] == "night"


def test_a_file_name_with_a_lone_surrogate_does_not_break_the_page(
    told: dict[str, Any], tmp_path: Path
) -> None:
    odd = FailureExample(kind="poison", index=0, relative="\udcff.mp3", message="")
    told["groups"] = (FailureGroup(kind="poison", count=1, examples=(odd,)),)
    assert invoke(report, "night", "--html", str(tmp_path / "a.html")).exit_code == 0


def test_an_unwritable_page_is_one_error_message(tmp_path: Path) -> None:
    error = invoke(report, "night", "--html", str(tmp_path / "none" / "a.html")).exception
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
    rows = [line for line in invoke(jobs).stdout.splitlines() if "│ s3://out/" in line]
    cells = [[cell.strip() for cell in row.strip("│┃ ").split("│")][:6] for row in rows]
    assert cells == [
        ["new", "planning", "1,000,000", "< 0.1 %", "0", "0"],
        ["half", "running", "4", "50.0 %", "1", "0"],
        ["given-up", "cancelled", "4", "25.0 %", "0", "0"],
        ["lost", "unknown", "?", "?", "0", "0"],
        ["night", "complete", "10", "100 %", "4", "2.00"],
    ]
    assert "fleet reconcile lost --output s3://out/" in invoke(jobs).stdout
    documents = json.loads(invoke(jobs, "--json").stdout)
    states = ["planning", "running", "cancelled", "unknown", "complete"]
    assert [one["state"] for one in documents] == states
    assert [bool(one["note"]) for one in documents] == [state == "unknown" for state in states]
    assert documents[0]["outcomes"]["ok"] == 5


def test_an_empty_list_of_jobs_names_the_command_that_makes_one(told: dict[str, Any]) -> None:
    told["jobs"] = []
    assert "fleet enqueue" in invoke(jobs).stdout
    assert json.loads(invoke(jobs, "--json").stdout) == []


def test_the_reconciliation_of_a_cancelled_job_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ReconcileResult(job="night", files=9, done=5, failed=1, cancelled=True)
    monkeypatch.setattr(funasr_fleet, "reconcile", lambda *_, **__: found)
    result = invoke(reconcile, "night")
    assert "the job is cancelled: 3 files not transcribed" in " ".join(result.stdout.split())
    assert json.loads(invoke(reconcile, "night", "--json").stdout)["cancelled"] is True


@pytest.mark.parametrize("arguments", [(), ("--json",)])
@pytest.mark.parametrize("planned", [True, False])
def test_an_incomplete_plan_is_reported_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, planned: bool, arguments: tuple[str, ...]
) -> None:
    found = ReconcileResult(job="night", files=9, done=5, failed=1, enqueued=3, planned=planned)
    monkeypatch.setattr(funasr_fleet, "reconcile", lambda *_, **__: found)
    result = invoke(reconcile, "night", *arguments)
    assert result.exit_code == (0 if planned else 1)
    if arguments:
        assert json.loads(result.stdout)["planned"] is planned
    else:
        assert "9 files of night: 5 done, 1 failed, 3 enqueued again" in result.stdout
        assert ("run its `fleet enqueue` again" in result.stdout) is not planned
