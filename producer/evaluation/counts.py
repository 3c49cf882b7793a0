"""PURE: words and errors, which add up over files."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What differs between references and what was heard; for cer, words are characters."""

    words: int = 0
    """In the references."""
    substitutions: int = 0
    deletions: int = 0
    """Words that were said and not heard."""
    insertions: int = 0
    """Words that were heard and not said."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            words=self.words + other.words,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors by words, above 1 where much was added; None where nothing was said."""
        return self.errors / self.words if self.words else None

    def to_json(self) -> dict[str, Any]:
        """Every count, and the rate."""
        return {**asdict(self), "errors": self.errors, "rate": self.rate}
