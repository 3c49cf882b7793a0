"""From a signal to the end of the worker, on a clock of our own."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.worker import state as celery_state

from contract.settings import Settings
from worker.parent import drain as room
from worker.parent.drain import Drain
from worker.parent.in_hand import InHand, Parent
from worker.slots import SlotFiles, SlotState


class Side(Parent):
    """A parent whose children have what a test puts into their hands."""

    now_s = 100.0

    def __init__(self, run_dir: Path) -> None:
        files = SlotFiles(run_dir)
        files.start(1)
        files.write(SlotState(slot=0, pid=4711, state="ready"))
        super().__init__(Settings(drain_s=30), files, clock=lambda: self.now_s)
        self.hands: list[InHand] = []
        self.forgiven: list[str | None] = []
        self.alarms: list[int] = []

    def in_hand(self) -> Iterator[InHand]:
        yield from self.hands

    def forgive(self, one: InHand) -> None:
        self.forgiven.append(one.identity)


class Request:
    """A message that a child works on."""

    taken_back = acknowledged = False
    id = "message-1"
    connection_errors = (ConnectionError,)

    def __init__(self, broker_is_away: bool = False) -> None:
        self.given_back: list[str] = []

        def give_back(tag: str) -> None:
            if broker_is_away:
                raise ConnectionError
            self.given_back.append(tag)

        qos = SimpleNamespace(give_back=give_back)
        self.message = SimpleNamespace(delivery_tag="tag", channel=SimpleNamespace(qos=qos))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pids: list[int] = []
    monkeypatch.setattr(room, "_kill", pids.append)
    return pids


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: list[int]) -> Side:
    side = Side(tmp_path)
    monkeypatch.setattr(Drain, "side", side, raising=False)
    monkeypatch.setattr(celery_state, "should_stop", None)
    monkeypatch.setattr(celery_state, "should_terminate", None)
    monkeypatch.setattr(signal, "alarm", side.alarms.append)
    return side


@pytest.fixture
def parent() -> SimpleNamespace:
    cancelled: list[str] = []
    consumer = SimpleNamespace(cancel=lambda: cancelled.append("consumer"))
    return SimpleNamespace(task_consumer=consumer, cancelled=cancelled)


def in_hand(side: Side, *, broker_is_away: bool = False) -> Request:
    request = Request(broker_is_away)
    side.hands.append(InHand(request=request, identity="s", pid=4711, slot=None, progress=None))
    return request


@pytest.fixture
def step(side: Side, monkeypatch: pytest.MonkeyPatch) -> Drain:
    step = Drain(None)
    monkeypatch.setattr(step, "_consuming", True)
    return step


def test_without_a_signal_work_goes_on(step: Drain, parent: SimpleNamespace) -> None:
    step.look(parent)
    assert (parent.cancelled, celery_state.should_terminate) == ([], None)


def test_an_idle_worker_ends_at_once(step: Drain, side: Side, parent: SimpleNamespace) -> None:
    step._on_signal(signal.SIGTERM, None)
    step.look(parent)
    assert parent.cancelled == ["consumer"]
    assert celery_state.should_terminate == 0
    assert side.slots.draining()


def test_what_is_in_hand_may_be_finished(
    step: Drain, side: Side, parent: SimpleNamespace, killed: list[int]
) -> None:
    request = in_hand(side)
    step._on_signal(signal.SIGTERM, None)
    side.now_s += 29
    step.look(parent)
    assert (celery_state.should_terminate, killed) == (None, [])
    side.hands.clear()
    step.look(parent)
    assert (celery_state.should_terminate, request.given_back) == (0, [])


@pytest.mark.parametrize("again", [False, True])
def test_what_is_not_done_in_time_or_at_a_second_signal_is_handed_back(
    again: bool, step: Drain, side: Side, parent: SimpleNamespace, killed: list[int]
) -> None:
    request = in_hand(side)
    step._on_signal(signal.SIGTERM, None)
    step.look(parent)
    if again:
        step._on_signal(signal.SIGTERM, None)
    else:
        side.now_s += 30
    step.look(parent)
    assert (killed, side.forgiven) == ([4711], ["s"])
    assert (request.taken_back, request.given_back, request.acknowledged) == (True, ["tag"], True)
    assert celery_state.should_terminate == 0


def test_what_cannot_be_handed_back_comes_back_by_its_lease(
    step: Drain, side: Side, parent: SimpleNamespace, killed: list[int]
) -> None:
    request = in_hand(side, broker_is_away=True)
    step._on_signal(signal.SIGTERM, None)
    side.now_s += 30
    step.look(parent)
    assert (killed, request.acknowledged) == ([4711], False)
    assert celery_state.should_terminate == 0


def test_a_worker_without_its_broker_just_ends(step: Drain, side: Side) -> None:
    step.stop(None)
    assert celery_state.should_stop is None
    step._on_signal(signal.SIGTERM, None)
    assert side.alarms == [45]
    assert celery_state.should_stop == 0
    step._on_signal(signal.SIGTERM, None)
    assert side.alarms == [45, 5]
