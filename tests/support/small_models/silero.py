"""Silero VAD through FunASR's SileroVad; the pip package silero-vad brings trained weights.

[{"key", "value": [[start_ms, end_ms], ...]}], [] without speech, also for 50 ms; batches (a loop).
0 samples: ZeroDivisionError. Needs no torchaudio.
"""

from pathlib import Path
from typing import Any

from tests.support.random_models import save_random

CONFIG: dict[str, Any] = {"model": "SileroVad", "model_conf": {}}


def make(directory: Path) -> Path:
    """Make the model directory."""
    return save_random(directory, CONFIG)
