"""Audio with known transcripts; references.json has the transcript of each file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SAMPLES = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One file of the demo."""

    name: str
    """Path below the samples folder."""
    text: str
    """Reference text; empty for silence and for the file that is not audio."""
    language: str | None
    expect: Literal["ok", "empty", "failed"]


def load_samples() -> list[Sample]:
    """All samples, sorted by name."""
    references = json.loads((SAMPLES / "references.json").read_text(encoding="utf-8"))
    return [
        Sample(name, entry["text"], entry["language"], entry["expect"])
        for name, entry in sorted(references.items())
    ]
