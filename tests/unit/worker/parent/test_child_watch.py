"""The parent ends with an exit code when a slot cannot start, and only then."""

from pathlib import Path

import pytest

from contract.settings import Settings
from worker.health import MAX_FAILURES
from worker.parent.child_watch import EXIT_MODEL_UNUSABLE, ChildWatch
from worker.parent.in_hand import Parent
from worker.slots import SlotFiles, SlotState


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parent:
    files = SlotFiles(tmp_path)
    files.start(1)
    side = Parent(Settings(), files, clock=lambda: 100.0)
    monkeypatch.setattr(ChildWatch, "side", side, raising=False)
    return side


def _look(side: Parent, failures: int) -> None:
    side.slots.write(
        SlotState(slot=0, pid=1, state="failed", failures_in_a_row=failures, reason="no weights")
    )
    ChildWatch(None).look()


def test_a_child_may_fail_and_be_replaced(side: Parent) -> None:
    _look(side, MAX_FAILURES - 1)
    assert side.drained_by_s is None


def test_a_slot_without_hope_ends_the_worker_and_says_why(
    side: Parent, caplog: pytest.LogCaptureFixture
) -> None:
    _look(side, MAX_FAILURES)
    assert side.exit_code == EXIT_MODEL_UNUSABLE == 3
    assert side.drained_by_s == 100.0 + side.settings.drain_s
    assert side.slots.draining()
    assert "no weights" in caplog.text


def test_a_worker_that_is_stopping_keeps_its_own_exit_code(side: Parent) -> None:
    side.drain()
    _look(side, MAX_FAILURES)
    assert side.exit_code == 0
