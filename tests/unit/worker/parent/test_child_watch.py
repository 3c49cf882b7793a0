"""The parent ends with an exit code when a slot cannot start, and only then."""

from pathlib import Path
from typing import Any

import pytest
from celery.worker import state as celery_state

from worker.child_watch import EXIT_MODEL_UNUSABLE, ChildWatch
from worker.slots import MAX_FAILURES, SlotFiles, SlotState


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlotFiles:
    files = SlotFiles(tmp_path)
    files.start(1)
    monkeypatch.setattr(ChildWatch, "slot_files", files, raising=False)
    monkeypatch.setattr(celery_state, "should_stop", None)
    return files


def _look(files: SlotFiles, failures: int) -> Any:
    files.write(
        SlotState(slot=0, pid=1, state="failed", failures_in_a_row=failures, reason="no weights")
    )
    ChildWatch(None).look()
    return celery_state.should_stop


def test_a_child_may_fail_and_be_replaced(files: SlotFiles) -> None:
    assert _look(files, MAX_FAILURES - 1) is None


def test_a_slot_without_hope_ends_the_worker_and_says_why(
    files: SlotFiles, caplog: pytest.LogCaptureFixture
) -> None:
    assert _look(files, MAX_FAILURES) == EXIT_MODEL_UNUSABLE == 3
    assert "no weights" in caplog.text


def test_a_worker_that_is_stopping_keeps_its_own_exit_code(
    files: SlotFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_state, "should_stop", 0)
    assert _look(files, MAX_FAILURES) == 0
