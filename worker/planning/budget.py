"""How much goes through the recogniser at once, and how that follows the device's memory."""

from dataclasses import dataclass, replace

from worker.planning.grouping import MOST_S

LEAST_S = 1.0
ON_CPU_S = 60.0
"""What keeps a batch's temporaries small on a CPU, which gains little from more at once."""
FREE_SHARE = 0.5
"""Of the free memory: long clips take more per second than those it was measured with."""
GROWTH = 1.25
CALM_BATCHES = 50
"""Batches that must fit before more is tried again."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Padded audio seconds of one batch."""

    seconds: float
    most_s: float
    """What was asked for; never exceeded."""
    calm: int = 0
    """Batches that fitted since the last change."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing smaller can be tried."""
        return self.seconds <= min(LEAST_S, self.most_s)

    def halved(self) -> "Budget":
        """After the device's memory ran out."""
        return replace(self, seconds=max(min(LEAST_S, self.most_s), self.seconds / 2), calm=0)

    def below(self, padded_s: float) -> "Budget":
        """After the memory ran out for a batch of this length: halved until that is more."""
        less = self.halved()
        while less.seconds >= padded_s and not less.exhausted:
            less = less.halved()
        return less

    def eased(self) -> "Budget":
        """After a batch that fitted: grows slowly, because running out costs a batch."""
        if self.seconds >= self.most_s:
            return self
        if self.calm + 1 < CALM_BATCHES:
            return replace(self, calm=self.calm + 1)
        return replace(self, seconds=min(self.most_s, self.seconds * GROWTH), calm=0)


def affordable_seconds(free_bytes: int, bytes_per_second: float) -> float:
    """Padded seconds that a GPU's free memory allows.

    Args:
        free_bytes: what the process may still allocate.
        bytes_per_second: what a batch was seen to need at its peak, by padded second.
    """
    return min(MOST_S, max(LEAST_S, FREE_SHARE * free_bytes / max(bytes_per_second, 1.0)))
