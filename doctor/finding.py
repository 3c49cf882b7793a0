"""What one look found."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One row of what the doctor says."""

    row: str
    """What was looked at."""
    verdict: Verdict
    told: str
    """What was found."""
    advice: str = ""
    """What to do about it; empty when nothing."""
    unreachable: bool = False
    """Whether a service did not answer, or a model did not load."""
