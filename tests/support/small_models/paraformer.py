"""Plain Paraformer.

One clip: [{"key", "text"}]; output_timestamp adds "timestamp", [start, end] in ms per token, which
may be [] beside a text (50 ms) and begin below 0. No token: [{"text": ""}], without a key, and a
batch without any token is that one item too. Batches, but raises IndexError (cif_v1) for a whole
batch whose last clip has no token while another has. 0 samples and 100 samples: ValueError.
"""

from pathlib import Path
from typing import Any

from tests.support.small_models.parts import (
    DECODER_SIZES,
    FRONTEND,
    SANM_ENCODER,
    TOKENIZER,
    WIDTH,
    Weights,
    forbid,
    save_mended,
)

CONFIG: dict[str, Any] = {
    "model": "Paraformer",
    "model_conf": {"ctc_weight": 0.0, "predictor_bias": 1},
    **SANM_ENCODER,
    "decoder": "ParaformerSANMDecoder",
    "decoder_conf": {**DECODER_SIZES, "att_layer_num": 2, "kernel_size": 11, "sanm_shfit": 0},
    "predictor": "CifPredictorV2",
    "predictor_conf": {
        "idim": WIDTH,
        "threshold": 1.0,
        "l_order": 1,
        "r_order": 1,
        "tail_threshold": 0.45,
    },
    **FRONTEND,
    **TOKENIZER,
}


def make(directory: Path) -> Path:
    """Make the model directory."""
    return save_mended(directory, CONFIG, speak)


def speak(weights: Weights) -> None:
    """Never say <blank>, <s>, </s>."""
    forbid(weights["decoder.output_layer.bias"], 0, 1, 2)
