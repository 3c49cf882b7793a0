"""Parts that several small models share, and the writing of their directories."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import funasr
import torch

WIDTH = 32
"""Size of every encoder's output."""

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 30)]
TOKENS = ["<blank>", "<s>", "</s>", *DIGITS, *HAN, "<unk>"]
TOKENIZER: dict[str, Any] = {
    "tokenizer": "CharTokenizer",
    "tokenizer_conf": {"unk_symbol": "<unk>", "token_list": TOKENS},
}
FRONTEND: dict[str, Any] = {
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000, "n_mels": 80, "lfr_m": 7, "lfr_n": 6, "dither": 0.0},
}
SANM: dict[str, Any] = {
    "output_size": WIDTH,
    "attention_heads": 4,
    "linear_units": 64,
    "num_blocks": 2,
    "input_layer": "pe",
    "normalize_before": True,
    "kernel_size": 11,
    "sanm_shfit": 0,
    "selfattention_layer_type": "sanm",
}
SANM_ENCODER: dict[str, Any] = {
    "encoder": "SANMEncoder",
    "encoder_conf": {**SANM, "pos_enc_class": "SinusoidalPositionEncoder"},
}
SENSE_ENCODER: dict[str, Any] = {
    "encoder": "SenseVoiceEncoderSmall",
    "encoder_conf": {**SANM, "tp_blocks": 1, "pos_enc_class": "SinusoidalPositionEncoder"},
}
DECODER_SIZES: dict[str, Any] = {"attention_heads": 4, "linear_units": 64, "num_blocks": 2}

Weights = dict[str, torch.Tensor]


def save_random(directory: Path, config: dict[str, Any], seed: int = 0) -> Path:
    """Make a model directory that AutoModel loads."""
    torch.manual_seed(seed)
    model = funasr.AutoModel(disable_update=True, disable_log=True, **config)
    torch.save(model.model.state_dict(), directory / "model.pt")
    (directory / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    files = {"file_path_metas": {"init_param": "model.pt", "config": "config.yaml"}}
    (directory / "configuration.json").write_text(json.dumps(files))
    return directory


def save_adjusted(
    directory: Path, config: dict[str, Any], mend: Callable[[Weights], None], seed: int = 0
) -> Path:
    """As save_random; some weights are then changed in place, so that text is returned."""
    save_random(directory, config, seed)
    weights = torch.load(directory / "model.pt")
    mend(weights)
    torch.save(weights, directory / "model.pt")
    return directory


def forbid(bias: torch.Tensor, *tokens: int) -> None:
    """Prevent an output layer from choosing these tokens."""
    bias[list(tokens)] = -1e4
