"""When a worker tells producers that it is there, and when it does not."""

from pathlib import Path
from typing import Any

import pytest

from contract.fleet_state import SEEN_WITHIN_S
from contract.queues import BrokerUnavailable
from contract.settings import Settings
from worker.parent.in_hand import Parent
from worker.parent.presence import Presence
from worker.slots import SlotFiles, SlotState, State


class Fleet:
    """Keeps what it is told; may be away."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []
        self.away = False

    def serve(self, queue: str, model: str, now: float) -> None:
        if self.away:
            raise BrokerUnavailable("Redis cannot be reached")
        self.told.append((queue, model, now))


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> Parent:
    files = SlotFiles(tmp_path)
    files.start(2)
    side = Parent(Settings(model="m", queue="q"), files, clock=lambda: 0.0)
    side.__dict__["fleet"] = fleet
    monkeypatch.setattr(Presence, "side", side, raising=False)
    monkeypatch.setattr(Presence, "now", staticmethod(lambda: 7.0))
    return side


@pytest.mark.parametrize(
    ("children", "told"),
    [
        ([], False),
        (["loading", "failed"], False),
        (["ready"], True),
        (["failed", "ready"], True),
    ],
)
def test_a_worker_is_there_while_one_of_its_children_is_ready(
    side: Parent, fleet: Fleet, children: list[State], told: bool
) -> None:
    for slot, state in enumerate(children):
        side.slots.write(SlotState(slot=slot, pid=1, state=state))
    Presence(None).look()
    assert fleet.told == ([("q", "m", 7.0)] if told else [])


def test_a_worker_that_ends_is_not(side: Parent, fleet: Fleet) -> None:
    side.slots.write(SlotState(slot=0, pid=1, state="ready"))
    side.drained_by_s = 25.0
    Presence(None).look()
    assert fleet.told == []


def test_a_broker_that_is_away_is_no_error(
    side: Parent, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    side.slots.write(SlotState(slot=0, pid=1, state="ready"))
    fleet.away = True
    Presence(None).look()
    assert "cannot be told" in caplog.text
    fleet.away = False
    Presence(None).look()
    assert len(fleet.told) == 1


def test_it_is_told_at_once_and_several_times_before_a_producer_forgets(
    side: Parent, fleet: Fleet
) -> None:
    every: list[float] = []

    class Timer:
        def call_repeatedly(self, seconds: float, *_: Any) -> None:
            every.append(seconds)

    class Consumer:
        timer = Timer()

    side.slots.write(SlotState(slot=0, pid=1, state="ready"))
    Presence(None).start(Consumer())
    assert len(fleet.told) == 1
    assert every[0] <= SEEN_WITHIN_S / 5
