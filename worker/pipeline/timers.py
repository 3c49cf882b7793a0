"""Measures the seconds per stage of a file, the time models are in use, and recognition speed."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from funasr_fleet.contract.transcript import STAGES, Stage
from funasr_fleet.worker.events import ignore

T = TypeVar("T")


@dataclass(frozen=True)
class Stopwatch:
    """Adds up the time that one file spends in each stage."""

    clock: Callable[[], float]
    seconds: dict[Stage, float] = field(default_factory=dict)
    step: Callable[[Stage], None] = ignore
    """Called each time a timed section of a stage begins; used as a heartbeat."""

    @contextlib.contextmanager
    def __call__(self, stage: Stage) -> Iterator[None]:
        """Add the duration of the `with` block to a stage."""
        begin = self.clock()
        self.step(stage)
        try:
            yield
        finally:
            self.add(stage, self.clock() - begin)

    def over(self, stage: Stage, items: Iterable[T]) -> Iterator[T]:
        """Yield the items; add the time spent producing each of them to a stage."""
        iterator, exhausted = iter(items), object()
        while True:
            with self(stage):
                item = next(iterator, exhausted)
            if item is exhausted:
                return
            yield item  # type: ignore[misc]

    def add(self, stage: Stage, seconds: float) -> None:
        """Add seconds to a stage, for example this file's share of a batch of several files."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @property
    def total_s(self) -> float:
        """Seconds of all stages together."""
        return sum(self.seconds.values())

    def milliseconds(self) -> dict[Stage, int]:
        """Whole milliseconds of every stage; 0 for a stage that was not entered."""
        return {stage: round(1000 * self.seconds.get(stage, 0.0)) for stage in STAGES}


class UtilizationTimer:
    """Measures the time during which at least one thread is inside the context."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0
        self._accumulated = 0.0
        self.total_s = 0.0
        """Sum of all seconds that take() returned."""

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Count the `with` block as busy time; blocks that overlap count once."""
        with self._lock:
            if not self._inside:
                self._since = self._clock()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._accumulated += self._clock() - self._since

    def take(self) -> float:
        """Busy seconds since the last call, including work still in progress."""
        with self._lock:
            if self._inside:
                now = self._clock()
                self._accumulated, self._since = self._accumulated + now - self._since, now
            seconds, self._accumulated = self._accumulated, 0.0
            self.total_s += seconds
            return seconds


class RecognitionSpeed:
    """Seconds of speech recognised per second of work; recent groups have the most weight."""

    def __init__(self, estimate: float | None = None) -> None:
        """Start with an estimate, which the first measurement replaces; None if there is none."""
        self._speech_s, self._work_s = 0.0, 0.0
        self.value = estimate
        """None before the first measurement if there was no estimate."""

    def add(self, speech_s: float, work_s: float) -> None:
        """Add a group. A small group has little weight, since a part of its time is constant."""
        if not speech_s or work_s <= 0:
            return
        self._speech_s = self._speech_s / 2 + speech_s
        self._work_s = self._work_s / 2 + work_s
        self.value = self._speech_s / self._work_s
