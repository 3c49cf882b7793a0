"""Seconds by stage, for one file."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from contract.transcript import STAGES, Stage

T = TypeVar("T")


def _nobody(stage: Stage) -> None:
    """For those whose steps nobody watches."""


@dataclass(frozen=True)
class Stopwatch:
    """Adds up the time spent in each stage; the clock is a parameter."""

    clock: Callable[[], float]
    seconds: dict[Stage, float] = field(default_factory=dict)
    step: Callable[[Stage], None] = _nobody
    """Told whenever a stretch of a stage begins: a sign of life."""

    @contextlib.contextmanager
    def __call__(self, stage: Stage) -> Iterator[None]:
        """Time one stretch of a stage."""
        begin = self.clock()
        self.step(stage)
        try:
            yield
        finally:
            self.add(stage, self.clock() - begin)

    def over(self, stage: Stage, things: Iterable[T]) -> Iterator[T]:
        """The same things; the time that making them takes belongs to this stage."""
        iterator, nothing = iter(things), object()
        while True:
            with self(stage):
                thing = next(iterator, nothing)
            if thing is nothing:
                return
            yield thing  # type: ignore[misc]

    def add(self, stage: Stage, seconds: float) -> None:
        """Put down a share of time that was spent on several files at once."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @property
    def total_s(self) -> float:
        """All stages together."""
        return sum(self.seconds.values())

    def milliseconds(self) -> dict[Stage, int]:
        """Whole milliseconds of every stage, 0 for those that were not entered."""
        return {stage: round(1000 * self.seconds.get(stage, 0.0)) for stage in STAGES}
