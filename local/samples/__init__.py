"""Audio with known words; references.json says what is said in each file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SAMPLES = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One file of the demo."""

    name: str
    """Path below the folder of samples."""
    text: str
    """What is said; empty for silence and for what is no audio."""
    language: str | None
    expect: Literal["ok", "empty", "failed"]


def load_samples() -> list[Sample]:
    """Every sample, in order of name."""
    references = json.loads((SAMPLES / "references.json").read_text(encoding="utf-8"))
    return [
        Sample(name, entry["text"], entry["language"], entry["expect"])
        for name, entry in sorted(references.items())
    ]
