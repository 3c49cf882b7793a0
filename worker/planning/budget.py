"""How much goes through the recogniser at once, and how that follows the device's memory."""

from dataclasses import dataclass, replace

LEAST_S = 1.0
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
        return self.seconds <= LEAST_S

    def halved(self) -> "Budget":
        """After the device's memory ran out."""
        return replace(self, seconds=max(LEAST_S, self.seconds / 2), calm=0)

    def eased(self) -> "Budget":
        """After a batch that fitted: grows slowly, because running out costs a batch."""
        if self.seconds >= self.most_s:
            return self
        if self.calm + 1 < CALM_BATCHES:
            return replace(self, calm=self.calm + 1)
        return replace(self, seconds=min(self.most_s, self.seconds * GROWTH), calm=0)
