"""PURE: counts of words and errors, which can be added over files."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Edit counts between references and transcripts. For CER, the unit is characters."""

    words: int = 0
    """Words in the references."""
    substitutions: int = 0
    deletions: int = 0
    """Words of the references that are missing in the transcripts."""
    insertions: int = 0
    """Words of the transcripts that are not in the references."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            words=self.words + other.words,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """Sum of substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors / words. Above 1 with many insertions; None if the references have no words."""
        return self.errors / self.words if self.words else None

    def to_json(self) -> dict[str, Any]:
        """All counts and the rate."""
        return {**asdict(self), "errors": self.errors, "rate": self.rate}
