"""The parent ends with an exit code when a slot cannot start, and only then."""

from pathlib import Path

import pytest

from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.active_shards import ParentContext
from funasr_fleet.worker.consumer.child_watch import EXIT_MODEL_UNUSABLE, ChildWatch
from funasr_fleet.worker.process.health import MAX_FAILURES
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParentContext:
    files = SlotFiles(tmp_path)
    files.start(1)
    context = ParentContext(Settings(), files, clock=lambda: 100.0)
    monkeypatch.setattr(ChildWatch, "parent_context", context, raising=False)
    return context


def _look(context: ParentContext, failures: int) -> None:
    context.slots.write(
        SlotState(slot=0, pid=1, state="failed", failures_in_a_row=failures, reason="no weights")
    )
    ChildWatch(None).tick()


def test_a_child_may_fail_and_be_replaced(context: ParentContext) -> None:
    _look(context, MAX_FAILURES - 1)
    assert context.drain_deadline_s is None


def test_a_slot_without_hope_ends_the_worker_and_says_why(
    context: ParentContext, caplog: pytest.LogCaptureFixture
) -> None:
    _look(context, MAX_FAILURES)
    assert context.exit_code == EXIT_MODEL_UNUSABLE == 3
    assert context.drain_deadline_s == 100.0 + context.settings.drain_s
    assert context.slots.draining()
    assert "no weights" in caplog.text


def test_a_worker_that_is_stopping_keeps_its_own_exit_code(context: ParentContext) -> None:
    context.drain()
    _look(context, MAX_FAILURES)
    assert context.exit_code == 0
