"""The class CTC: an encoder and greedy CTC.

[{"key", "token": [str], "text"}], for silence and 50 ms too, and ("token": []) for 20 ms. No times.
batch_size>1: NotImplementedError. Only encoders that return two values do (not SANM, Conformer).
"""

from pathlib import Path
from typing import Any

from tests.support.small_models.parts import (
    FRONTEND,
    SENSE_ENCODER,
    TOKENIZER,
    Weights,
    save_mended,
)

CONFIG: dict[str, Any] = {
    "model": "CTC",
    "model_conf": {},
    **SENSE_ENCODER,
    **FRONTEND,
    **TOKENIZER,
}


def make(directory: Path) -> Path:
    """Make the model directory."""
    return save_mended(directory, CONFIG, _speak)


def _speak(weights: Weights) -> None:
    weights["ctc.ctc_lo.bias"][0] = -1.0
