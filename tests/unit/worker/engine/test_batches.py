"""Out of memory halves batches and loses no clip; other device errors are distinguished."""

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.engine.device_errors import retry_on_oom, translate_errors
from funasr_fleet.worker.engine.fast.selection import EnginePaths
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import Clip, Hints, as_clip
from funasr_fleet.worker.errors import DeviceLost, ModelError, OutOfDeviceMemory
from funasr_fleet.worker.events import BatchRecognised, Event, OutOfMemoryBackoff
from funasr_fleet.worker.text.segments import Recognition
from tests.support.fake_pipeline import IDENTITY


class SmallDevice:
    """Returns a clip's length as its text; runs out of memory above `room_s` padded seconds."""

    def __init__(self, room_s: float) -> None:
        self.room_s = room_s

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        if max(clip.seconds for clip in clips) * len(clips) > self.room_s:
            raise OutOfDeviceMemory("full")
        return [Recognition(text=f"{clip.seconds:g}") for clip in clips]


def an_engine(
    recogniser: Any, events: list[Event], batch_seconds: float = 60, **paths_given: Any
) -> FunasrEngine:
    def observe(event: Event) -> None:
        events.append(event)

    paths = EnginePaths(
        detector=recogniser, recogniser=recogniser, punctuator=None, fast={}, **paths_given
    )
    return FunasrEngine(
        {}, paths, IDENTITY, thread_count=1, batch_seconds=batch_seconds, observe=observe
    )


def clips(*seconds: int) -> list[Clip]:
    return [as_clip(np.zeros(16_000 * one, np.float32)) for one in seconds]


def test_every_clip_is_recognised_in_batches_that_fit() -> None:
    events: list[Event] = []
    engine = an_engine(SmallDevice(20), events)
    spoken = clips(*[5, 1, 3, 8, 2] * 6)
    heard = engine.recognise(spoken, Hints())
    assert [one.text for one in heard] == [f"{clip.seconds:g}" for clip in spoken]
    budgets = [event.budget_s for event in events if isinstance(event, OutOfMemoryBackoff)]
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
    assert not [event for event in events if isinstance(event, OutOfMemoryBackoff)]


def test_a_clip_that_does_not_fit_is_an_error() -> None:
    engine = an_engine(SmallDevice(20), [])
    with pytest.raises(OutOfDeviceMemory):
        engine.recognise(clips(1, 21), Hints())


def test_a_batch_far_below_the_budget_that_does_not_fit_is_split() -> None:
    events: list[Event] = []
    engine = an_engine(SmallDevice(3), events, batch_seconds=1000)
    assert len(engine.recognise(clips(2, 2), Hints())) == 2
    assert [event.budget_s for event in events if isinstance(event, OutOfMemoryBackoff)] == [
        1000 / 2**8
    ]


def test_clips_below_the_smallest_budget_are_tried_one_by_one() -> None:
    heard = an_engine(SmallDevice(0.4), [], 1).recognise([clip_of(0.3)] * 5, Hints())
    assert [one.text for one in heard] == ["0.3"] * 5
    with pytest.raises(OutOfDeviceMemory):
        an_engine(SmallDevice(0.1), [], 0.5).recognise([clip_of(0.3)] * 3, Hints())


def clip_of(seconds: float) -> Clip:
    return as_clip(np.zeros(round(16_000 * seconds), np.float32))


class Hoarder(SmallDevice):
    """Counts, at each try, the arrays of earlier batches that are still in memory."""

    def __init__(self, room_s: float) -> None:
        super().__init__(room_s)
        self.held: list[weakref.ref[np.ndarray[Any, Any]]] = []
        self.alive: list[int] = []

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        self.alive.append(sum(ref() is not None for ref in self.held))
        batch = np.concatenate([clip.samples for clip in clips])
        self.held.append(weakref.ref(batch))
        return super().recognise(clips, hints)


def test_memory_of_a_failed_batch_is_free_before_the_next_try() -> None:
    hoarder = Hoarder(4)
    an_engine(hoarder, []).recognise(clips(*[2] * 16), Hints())
    assert len(hoarder.alive) > 8
    assert set(hoarder.alive) == {0}


torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfDeviceMemory),
        (RuntimeError("CUDA error: out of memory"), OutOfDeviceMemory),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when ..."), OutOfDeviceMemory),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), OutOfDeviceMemory),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), OutOfDeviceMemory),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLost),
        (RuntimeError("... device-side assert triggered"), DeviceLost),
        (ValueError("math domain error"), ModelError),
    ],
)
def test_errors_of_torch_are_translated(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), translate_errors():
        raise raised


class Full:
    """Runs out of memory in the first calls."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.told = 0
        self.waits: list[float] = []

    def act(self) -> str:
        self.times -= 1
        if self.times >= 0:
            raise torch.OutOfMemoryError
        return "done"

    def tell(self) -> None:
        self.told += 1


@pytest.mark.parametrize(
    ("times", "told", "waits"),
    [(0, 0, []), (1, 1, [0.0]), (2, 1, [0.0, 0.5]), (4, 1, [0.0, 0.5, 2.0, 8.0])],
)
def test_out_of_memory_is_retried_with_growing_pauses(
    times: int, told: int, waits: list[float]
) -> None:
    full = Full(times)
    assert retry_on_oom(full.act, full.tell, full.waits.append) == "done"
    assert (full.told, full.waits) == (told, waits)


def test_out_of_memory_is_an_error_after_the_last_retry() -> None:
    full = Full(5)
    with pytest.raises(OutOfDeviceMemory):
        retry_on_oom(full.act, full.tell, full.waits.append)
    assert full.times == 0


@pytest.mark.parametrize(
    ("languages", "language"), [(("en", "jw"), "jw"), (("jv",), "jv"), (None, None)]
)
def test_the_model_is_told_its_own_code_of_the_language(
    languages: tuple[str, ...] | None, language: str | None
) -> None:
    told: list[Hints] = []

    class Listener(SmallDevice):
        def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
            told.append(hints)
            return super().recognise(clips, hints)

    engine = an_engine(Listener(20), [], can=Abilities(languages=languages))
    engine.recognise(clips(1), Hints(language="jv", hotwords=("nine",)))
    assert told == [Hints(language=language, hotwords=("nine",))]
