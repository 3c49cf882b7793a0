"""Memory that runs out halves the batches, loses no clip, and is told."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.unit.worker.scripted_engine import IDENTITY
from worker.engine.fast.choice import Paths
from worker.engine.funasr import FunasrEngine
from worker.engine.interface import Clip, Hints, as_clip
from worker.events import BatchRecognised, Event, MemoryRanOut
from worker.failures import OutOfDeviceMemory
from worker.planning.assembly import Recognition


class SmallDevice:
    """Hears how many seconds a clip has; has room for so many padded ones."""

    def __init__(self, room_s: float) -> None:
        self.room_s = room_s

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        if max(clip.seconds for clip in clips) * len(clips) > self.room_s:
            raise OutOfDeviceMemory("full")
        return [Recognition(text=f"{clip.seconds:g}") for clip in clips]


def an_engine(recogniser: Any, events: list[Event], batch_seconds: float = 60) -> FunasrEngine:
    def observe(event: Event) -> None:
        events.append(event)

    paths = Paths(detector=recogniser, recogniser=recogniser, punctuator=None, fast={})
    return FunasrEngine(
        {}, paths, IDENTITY, thread_count=1, batch_seconds=batch_seconds, observe=observe
    )


def clips(*seconds: int) -> list[Clip]:
    return [as_clip(np.zeros(16_000 * one, np.float32)) for one in seconds]


def test_every_clip_is_heard_in_batches_that_fit() -> None:
    events: list[Event] = []
    engine = an_engine(SmallDevice(20), events)
    spoken = clips(*[5, 1, 3, 8, 2] * 6)
    heard = engine.recognise(spoken, Hints())
    assert [one.text for one in heard] == [f"{clip.seconds:g}" for clip in spoken]
    budgets = [event.budget_s for event in events if isinstance(event, MemoryRanOut)]
    assert budgets == [30, 15]
    batches = [event for event in events if isinstance(event, BatchRecognised)]
    assert sum(batch.seconds for batch in batches) == sum(clip.seconds for clip in spoken)
    assert all(0 <= batch.padding_ratio < 1 and batch.budget_s == 15 for batch in batches)


def test_a_smaller_budget_is_kept_for_the_next_call() -> None:
    events: list[Event] = []
    engine = an_engine(SmallDevice(20), events)
    engine.recognise(clips(*[5] * 12), Hints())
    events.clear()
    engine.recognise(clips(*[5] * 12), Hints())
    assert not [event for event in events if isinstance(event, MemoryRanOut)]


def test_one_clip_for_which_there_is_no_room_is_an_error() -> None:
    engine = an_engine(SmallDevice(20), [])
    with pytest.raises(OutOfDeviceMemory):
        engine.recognise(clips(1, 21), Hints())


def test_a_batch_far_smaller_than_the_budget_that_does_not_fit_is_split_all_the_same() -> None:
    events: list[Event] = []
    engine = an_engine(SmallDevice(3), events, batch_seconds=1000)
    assert len(engine.recognise(clips(2, 2), Hints())) == 2
    assert [event.budget_s for event in events if isinstance(event, MemoryRanOut)] == [1000 / 2**8]
