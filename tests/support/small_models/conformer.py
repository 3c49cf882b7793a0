"""Conformer and Transformer: an encoder, CTC and an attention decoder with beam search.

batch_size=1, beam search: [{"key", "token": [str], "text"}], and nbest such items per clip.
batch_size>1, greedy CTC instead: [{"key", "text"}], another text for the same clip. No times.
Under 85 ms: TooShortUttError, unless a longer clip is in the batch. The settings of the search are
those of the first call for ever; the text of every clip is logged.
"""

from pathlib import Path
from typing import Any

from tests.support.small_models.parts import (
    DECODER_SIZES,
    TOKENIZER,
    WIDTH,
    Weights,
    forbid,
    save_mended,
)

SIZES: dict[str, Any] = {
    "output_size": WIDTH,
    "attention_heads": 4,
    "linear_units": 64,
    "num_blocks": 1,
    "input_layer": "conv2d",
}
CONFIG: dict[str, Any] = {
    "model": "Conformer",
    "model_conf": {"ctc_weight": 0.3, "lsm_weight": 0.1},
    "encoder": "ConformerEncoder",
    "encoder_conf": {
        **SIZES,
        "pos_enc_layer_type": "rel_pos",
        "selfattention_layer_type": "rel_selfattn",
        "macaron_style": True,
        "cnn_module_kernel": 15,
    },
    "decoder": "TransformerDecoder",
    "decoder_conf": DECODER_SIZES,
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000, "n_mels": 80, "lfr_m": 1, "lfr_n": 1, "dither": 0.0},
    **TOKENIZER,
    "beam_size": 2,
    "decoding_ctc_weight": 0.3,
    "maxlenratio": 0.2,
}
"""At most a token for five frames: with random weights the end would hardly ever be found.

A negative maxlenratio, a number of tokens, makes clips with fewer frames raise IndexError.
"""

TRANSFORMER: dict[str, Any] = {
    **CONFIG,
    "model": "Transformer",
    "encoder": "TransformerEncoder",
    "encoder_conf": SIZES,
}


def make(directory: Path) -> Path:
    """Make the model directory of a Conformer."""
    return save_mended(directory, CONFIG, _speak)


def make_transformer(directory: Path) -> Path:
    """Make the model directory of a Transformer."""
    return save_mended(directory, TRANSFORMER, _speak)


def _speak(weights: Weights) -> None:
    forbid(weights["decoder.output_layer.bias"], 0, 1, 2)
    weights["ctc.ctc_lo.bias"][0] = -2.0
