"""`fleet reconcile`: one sentence, and whether all of the job is rebuilt."""

import json

import pytest
import typer
from typer.testing import CliRunner

import funasr_fleet
from funasr_fleet import ReconcileResult
from funasr_fleet.cli.reconcile import reconcile


@pytest.mark.parametrize("arguments", [(), ("--json",)])
@pytest.mark.parametrize("planned", [True, False])
def test_a_plan_that_is_not_whole_is_said_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, planned: bool, arguments: tuple[str, ...]
) -> None:
    found = ReconcileResult(job="night", files=9, done=5, failed=1, enqueued=3, planned=planned)
    monkeypatch.setattr(funasr_fleet, "reconcile", lambda *_, **__: found)
    app = typer.Typer()
    app.command()(reconcile)
    result = CliRunner().invoke(app, ["night", *arguments])
    assert result.exit_code == (0 if planned else 1)
    if arguments:
        assert json.loads(result.stdout)["planned"] is planned
    else:
        assert "9 files of night: 5 done, 1 failed, 3 enqueued again" in result.stdout
        assert ("run its `fleet enqueue` again" in result.stdout) is not planned
