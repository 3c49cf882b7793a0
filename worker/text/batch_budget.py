"""The batch budget in padded audio seconds, and how it adapts to the device's memory."""

from dataclasses import dataclass, replace

from funasr_fleet.worker.text.batch_window import MOST_S

LEAST_S = 1.0
ON_CPU_S = 60.0
"""Budget on a CPU: keeps temporaries small; a CPU gains little from larger batches."""
FREE_SHARE = 0.5
"""Share of free memory to use: long clips need more per second than the measured sample clip."""
GROWTH = 1.25
CALM_BATCHES = 50
"""Batches that must fit before the budget grows again."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Maximum padded audio seconds of one batch."""

    seconds: float
    """The current budget."""
    most_s: float
    """The configured or measured budget; never exceeded."""
    calm: int = 0
    """Number of batches that fitted since the last change."""

    @property
    def exhausted(self) -> bool:
        """Whether the budget is at its minimum."""
        return self.seconds <= min(LEAST_S, self.most_s)

    def halved(self) -> "Budget":
        """The budget after the device ran out of memory."""
        return replace(self, seconds=max(min(LEAST_S, self.most_s), self.seconds / 2), calm=0)

    def below(self, padded_s: float) -> "Budget":
        """The budget after a batch of this length ran out of memory: halved until it is smaller."""
        less = self.halved()
        while less.seconds >= padded_s and not less.exhausted:
            less = less.halved()
        return less

    def eased(self) -> "Budget":
        """The budget after a batch that fitted: grows slowly, because a failure costs a batch."""
        if self.seconds >= self.most_s:
            return self
        if self.calm + 1 < CALM_BATCHES:
            return replace(self, calm=self.calm + 1)
        return replace(self, seconds=min(self.most_s, self.seconds * GROWTH), calm=0)


def affordable_seconds(free_bytes: int, bytes_per_second: float) -> float:
    """The budget that a GPU's free memory allows, in padded seconds.

    Args:
        free_bytes: memory that the process may still allocate.
        bytes_per_second: measured peak memory of a batch per padded second.
    """
    return min(MOST_S, max(LEAST_S, FREE_SHARE * free_bytes / max(bytes_per_second, 1.0)))
