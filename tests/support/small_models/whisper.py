"""Whisper through FunASR's WhisperWarp; the pip package openai-whisper is needed.

[{"key", "text"}], for silence and 50 ms too; no times. batch_size>1: NotImplementedError; a list
with batch_size=1 is done one by one. Listens to the first 30 s and no more. 0 samples:
ZeroDivisionError. Options are in DecodingOptions only ({"language": "zh" or "chinese", "prompt",
"fp16", ...}; an unknown language is a ValueError); language= is ignored.
"""

from pathlib import Path
from typing import Any

import torch

from tests.support.small_models.parts import Weights, save_mended

CONFIG: dict[str, Any] = {
    "model": "WhisperWarp",
    "model_conf": {},
    "dims": {
        "n_mels": 80,
        "n_audio_ctx": 1500,
        "n_audio_state": 8,
        "n_audio_head": 2,
        "n_audio_layer": 1,
        "n_vocab": 51865,
        "n_text_ctx": 448,
        "n_text_state": 8,
        "n_text_head": 2,
        "n_text_layer": 1,
    },
    "DecodingOptions": {"fp16": False, "sample_len": 8},
}
"""The vocabulary and the 30 s of context are fixed by the package."""


def make(directory: Path) -> Path:
    """Make the model directory."""
    return save_mended(directory, CONFIG, _initialise)


def make_english(directory: Path) -> Path:
    """Make the model directory of one that knows English alone, by the size of its vocabulary."""
    dims = {**CONFIG["dims"], "n_vocab": 51864}
    return save_mended(directory, {**CONFIG, "dims": dims}, _initialise)


def _initialise(weights: Weights) -> None:
    """Whisper leaves these as it found them in memory."""
    places = torch.Generator().manual_seed(0)
    weights["model.decoder.positional_embedding"].normal_(generator=places)
