"""The benchmarks' models: the demo's, and Paraformer-large's size with random weights."""

from typing import Any, Literal

import funasr
import torch

from funasr_fleet.demo_model import DEMO_ASR, DEMO_VAD

ModelName = Literal["demo", "paraformer-large"]

_VOCABULARY = 8404
_TOKENS_PER_FRAME = 0.25
"""With frames of 60 ms, about four tokens a second, the rate of spoken Mandarin."""
_ATTENTION = {
    "attention_heads": 4,
    "linear_units": 2048,
    "dropout_rate": 0.1,
    "positional_dropout_rate": 0.1,
    "kernel_size": 11,
    "sanm_shfit": 0,
}
_LARGE: dict[str, Any] = {
    "model": "BiCifParaformer",
    "encoder": "SANMEncoder",
    "encoder_conf": {
        **_ATTENTION,
        "output_size": 512,
        "num_blocks": 50,
        "attention_dropout_rate": 0.1,
        "input_layer": "pe",
        "pos_enc_class": "SinusoidalPositionEncoder",
        "normalize_before": True,
        "selfattention_layer_type": "sanm",
    },
    "decoder": "ParaformerSANMDecoder",
    "decoder_conf": {
        **_ATTENTION,
        "num_blocks": 16,
        "att_layer_num": 16,
        "self_attention_dropout_rate": 0.1,
        "src_attention_dropout_rate": 0.1,
    },
    "predictor": "CifPredictorV3",
    "predictor_conf": {
        "idim": 512,
        "threshold": 1.0,
        "l_order": 1,
        "r_order": 1,
        "tail_threshold": 0.45,
        "smooth_factor2": 0.25,
        "noise_threshold2": 0.01,
        "upsample_times": 3,
        "use_cif1_cnn": False,
        "upsample_type": "cnn_blstm",
    },
    "input_size": 560,
    "vocab_size": _VOCABULARY,
    "model_conf": {
        "ctc_weight": 0.0,
        "lsm_weight": 0.1,
        "length_normalized_loss": True,
        "predictor_weight": 1.0,
        "predictor_bias": 1,
        "sampling_ratio": 0.75,
    },
    "tokenizer": "CharTokenizer",
    "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
    "frontend": "WavFrontend",
    "frontend_conf": {
        "fs": 16_000,
        "window": "hamming",
        "n_mels": 80,
        "frame_length": 25,
        "frame_shift": 10,
        "dither": 0.0,
        "lfr_m": 7,
        "lfr_n": 6,
        "cmvn_file": str(DEMO_ASR / "am.mvn"),
    },
}
"""The configuration of the published Paraformer-large, with word times."""


def load_recogniser(name: ModelName, where: dict[str, Any], **more: Any) -> Any:
    """Return an AutoModel; random weights are the same at every call."""
    quiet = {"disable_update": True, "disable_pbar": True, "disable_log": True}
    if name == "demo":
        return funasr.AutoModel(model=str(DEMO_ASR), **where, **quiet, **more)
    torch.manual_seed(0)
    tokens = ["<blank>", "<s>", "</s>", *map(chr, range(0x4E00, 0x4E00 + _VOCABULARY - 4)), "<unk>"]
    conf = {**_LARGE, "tokenizer_conf": {**_LARGE["tokenizer_conf"], "token_list": tokens}}
    model = funasr.AutoModel(**conf, **where, **quiet, **more)
    with torch.no_grad():  # untrained, it would emit a token every 120 ms
        head = model.model.predictor.cif_output
        head.weight.mul_(0.1)
        head.bias.fill_(torch.logit(torch.tensor(_TOKENS_PER_FRAME)).item())
    return model


def load_detector(where: dict[str, Any]) -> Any:
    """Return the demo's FSMN-VAD; any FSMN-VAD of this size costs the same."""
    quiet = {"disable_update": True, "disable_pbar": True, "disable_log": True}
    return funasr.AutoModel(model=str(DEMO_VAD), **where, **quiet)
