"""Seconds by stage, for one file."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contract.transcript import STAGES, Stage


@dataclass(frozen=True)
class Stopwatch:
    """Adds up the time spent in each stage; the clock is a parameter."""

    clock: Callable[[], float]
    seconds: dict[Stage, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def __call__(self, stage: Stage) -> Iterator[None]:
        """Time one stretch of a stage."""
        begin = self.clock()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + self.clock() - begin

    @property
    def total_s(self) -> float:
        """All stages together."""
        return sum(self.seconds.values())

    def milliseconds(self) -> dict[Stage, int]:
        """Whole milliseconds of every stage, 0 for those that were not entered."""
        return {stage: round(1000 * self.seconds.get(stage, 0.0)) for stage in STAGES}
