"""Recognisers of one pass or of beam search: Paraformer, Conformer, Transformer, CTC."""

import json
from pathlib import Path
from typing import Any, cast

from funasr_fleet.demo_model import DEMO_ASR
from tests.support.small_models.parts import (
    DECODER_SIZES,
    FRONTEND,
    SANM_ENCODER,
    SENSE_ENCODER,
    TOKENIZER,
    WIDTH,
    Weights,
    forbid,
    save_adjusted,
)

PARAFORMER: dict[str, Any] = {
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
CONTEXTUAL: dict[str, Any] = {
    **PARAFORMER,
    "model": "ContextualParaformer",
    "model_conf": {**PARAFORMER["model_conf"], "inner_dim": WIDTH, "bias_encoder_type": "lstm"},
    "decoder": "ContextualParaformerDecoder",
}
_CONFORMER_SIZES: dict[str, Any] = {
    "output_size": WIDTH,
    "attention_heads": 4,
    "linear_units": 64,
    "num_blocks": 1,
    "input_layer": "conv2d",
}
CONFORMER: dict[str, Any] = {
    "model": "Conformer",
    "model_conf": {"ctc_weight": 0.3, "lsm_weight": 0.1},
    "encoder": "ConformerEncoder",
    "encoder_conf": {
        **_CONFORMER_SIZES,
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
"""At most one token per five frames, because random weights almost never predict the end.

A negative maxlenratio is a number of tokens; clips with fewer frames then raise IndexError.
"""

TRANSFORMER: dict[str, Any] = {
    **CONFORMER,
    "model": "Transformer",
    "encoder": "TransformerEncoder",
    "encoder_conf": _CONFORMER_SIZES,
}
CTC: dict[str, Any] = {"model": "CTC", "model_conf": {}, **SENSE_ENCODER, **FRONTEND, **TOKENIZER}


def make_paraformer(directory: Path) -> Path:
    """Plain Paraformer.

    Returns [{"key", "text"}]. output_timestamp adds "timestamp", [start, end] in ms per token; it
    may be [] although there is text (50 ms), and times may be negative. A clip without tokens gives
    [{"text": ""}], without a key; so does a whole batch without tokens, as a single item. A batch
    raises IndexError (cif_v1) if its last clip has no token but another clip has. 0 and 100 samples
    raise ValueError.
    """
    return save_adjusted(directory, PARAFORMER, _adjust_paraformer)


def make_contextual(directory: Path) -> Path:
    """ContextualParaformer, which accepts hotwords.

    Returns [{"key", "text"}] for a clip and for a batch, never times; otherwise as Paraformer,
    including the IndexError. hotword= is one string, split at spaces; a list raises TypeError. A
    string that begins with http is fetched, the name of an existing .txt is read. The hotwords are
    logged. At least two decoder blocks are needed.
    """
    return save_adjusted(directory, CONTEXTUAL, _adjust_paraformer)


def _adjust_paraformer(weights: Weights) -> None:
    """Never return <blank>, <s>, </s>."""
    forbid(weights["decoder.output_layer.bias"], 0, 1, 2)


def make_conformer(directory: Path) -> Path:
    """Conformer and Transformer: an encoder, CTC and an attention decoder with beam search.

    With batch_size=1, beam search: returns [{"key", "token": [str], "text"}], nbest items per clip.
    With batch_size > 1, greedy CTC: returns [{"key", "text"}], and the text of a clip may differ.
    No times. Clips under 85 ms raise TooShortUttError, unless the batch has a longer clip. The
    search keeps the settings of the first call. The text of every clip is logged.
    """
    return save_adjusted(directory, CONFORMER, _adjust_conformer)


def make_transformer(directory: Path) -> Path:
    """As make_conformer, of the class Transformer."""
    return save_adjusted(directory, TRANSFORMER, _adjust_conformer)


def _adjust_conformer(weights: Weights) -> None:
    _adjust_paraformer(weights)
    weights["ctc.ctc_lo.bias"][0] = -2.0


def make_ctc(directory: Path) -> Path:
    """The class CTC: an encoder and greedy CTC.

    Returns [{"key", "token": [str], "text"}], for silence and clips of 50 ms too; "token" is [] for
    20 ms. No times. batch_size > 1 raises NotImplementedError. The encoder must return two values,
    which SANM and Conformer do not.
    """

    def adjust(weights: Weights) -> None:
        weights["ctc.ctc_lo.bias"][0] = -1.0

    return save_adjusted(directory, CTC, adjust)


def seaco_of_the_demo() -> dict[str, Any]:
    """SeACo-Paraformer with the demo recogniser's sizes."""
    from omegaconf import OmegaConf

    config = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(DEMO_ASR / "config.yaml")))
    width = config["encoder_conf"]["output_size"]
    tokens = json.loads((DEMO_ASR / "tokens.json").read_text())
    config |= {"model": "SeacoParaformer", "seaco_decoder": "ParaformerSANMDecoder"}
    config["model_conf"] |= {"inner_dim": width, "bias_encoder_type": "lstm", "NO_BIAS": 1}
    config["seaco_decoder_conf"] = {
        **config["decoder_conf"],
        "wo_input_layer": True,
        "use_output_layer": False,
        "num_blocks": 6,
        "att_layer_num": 6,
    }
    config["tokenizer_conf"]["token_list"] = tokens
    config["frontend_conf"]["cmvn_file"] = str(DEMO_ASR / "am.mvn")
    return config
