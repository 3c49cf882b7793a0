"""When a worker registers with producers, and when a slot that cannot start ends the worker."""

from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.broker.worker_registry import SEEN_WITHIN_S
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.parent_context import ParentContext
from funasr_fleet.worker.consumer.renewal import Registration
from funasr_fleet.worker.consumer.watchdog import EXIT_MODEL_UNUSABLE, ChildWatch
from funasr_fleet.worker.process.health import MAX_FAILURES
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState, State


class Fleet:
    """Records heartbeats, or raises while `away`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []
        self.away = False

    def register_model(self, *_: object, **__: object) -> None:
        raise AssertionError("a child without a revision registers no model")

    def heartbeat(self, queue: str, model: str, now: float) -> None:
        if self.away:
            raise BrokerUnavailable("Redis cannot be reached")
        self.told.append((queue, model, now))


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> ParentContext:
    files = SlotFiles(tmp_path)
    files.start(2)
    context = ParentContext(Settings(model="m", queue="q"), files, clock=lambda: 0.0)
    context.__dict__["fleet"] = fleet
    for step in (Registration, ChildWatch):
        monkeypatch.setattr(step, "parent_context", context, raising=False)
    monkeypatch.setattr(Registration, "now", staticmethod(lambda: 7.0))
    return context


@pytest.mark.parametrize(
    ("children", "told"),
    [([], False), (["loading", "failed"], False), (["ready"], True), (["failed", "ready"], True)],
)
def test_a_worker_is_registered_while_one_of_its_children_is_ready(
    context: ParentContext, fleet: Fleet, children: list[State], told: bool
) -> None:
    for slot, state in enumerate(children):
        context.slots.write(SlotState(slot=slot, pid=1, state=state))
    Registration(None).tick()
    assert fleet.told == ([("q", "m", 7.0)] if told else [])


def test_a_draining_worker_is_not_registered(context: ParentContext, fleet: Fleet) -> None:
    context.slots.write(SlotState(slot=0, pid=1, state="ready"))
    context.drain_deadline_s = 25.0
    Registration(None).tick()
    assert fleet.told == []


def test_an_unreachable_broker_is_logged_and_retried(
    context: ParentContext, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    context.slots.write(SlotState(slot=0, pid=1, state="ready"))
    fleet.away = True
    Registration(None).tick()
    assert "worker registration in Redis failed" in caplog.text
    fleet.away = False
    Registration(None).tick()
    assert len(fleet.told) == 1


def test_registration_is_immediate_and_renewed_before_it_expires(
    context: ParentContext, fleet: Fleet
) -> None:
    every: list[float] = []

    class Timer:
        def call_repeatedly(self, seconds: float, *_: Any) -> None:
            every.append(seconds)

    class Consumer:
        timer = Timer()

    context.slots.write(SlotState(slot=0, pid=1, state="ready"))
    Registration(None).start(Consumer())
    assert len(fleet.told) == 1
    assert every[0] <= SEEN_WITHIN_S / 5


def _look(context: ParentContext, failures: int) -> None:
    context.slots.write(
        SlotState(slot=0, pid=1, state="failed", failures_in_a_row=failures, reason="no weights")
    )
    ChildWatch(None).tick()


def test_a_child_may_fail_and_be_replaced(context: ParentContext) -> None:
    _look(context, MAX_FAILURES - 1)
    assert context.drain_deadline_s is None


def test_a_slot_that_cannot_start_ends_the_worker_with_its_reason(
    context: ParentContext, caplog: pytest.LogCaptureFixture
) -> None:
    _look(context, MAX_FAILURES)
    assert context.exit_code == EXIT_MODEL_UNUSABLE == 3
    assert context.drain_deadline_s == context.settings.drain_s
    assert context.slots.draining()
    assert "no weights" in caplog.text


def test_a_worker_that_is_stopping_keeps_its_own_exit_code(context: ParentContext) -> None:
    context.drain()
    _look(context, MAX_FAILURES)
    assert context.exit_code == 0
