"""Small models of FunASR's own classes with random weights, for families that ship none."""

import json
from pathlib import Path
from typing import Any, cast

import funasr
import torch

from funasr_fleet.demo_model import DEMO_ASR

CAMPPLUS: dict[str, Any] = {
    "model": "CAMPPlus",
    "model_conf": {"feat_dim": 80, "embedding_size": 32, "growth_rate": 8},
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000},
}

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 30)]
CT_TRANSFORMER: dict[str, Any] = {
    "model": "CTTransformer",
    "model_conf": {
        "punc_list": ["<unk>", "_", "\uff0c", "\u3002", "\uff1f", "\u3001"],
        "embed_unit": 32,
        "att_unit": 32,
        "sentence_end_id": 3,
    },
    "encoder": "SANMEncoder",
    "encoder_conf": {
        "input_size": 32,
        "output_size": 32,
        "attention_heads": 4,
        "linear_units": 64,
        "num_blocks": 2,
        "input_layer": "pe",
        "pos_enc_class": "SinusoidalPositionEncoder",
        "normalize_before": True,
        "kernel_size": 11,
        "sanm_shfit": 0,
        "selfattention_layer_type": "sanm",
    },
    "tokenizer": "CharTokenizer",
    "tokenizer_conf": {
        "unk_symbol": "<unk>",
        "token_list": ["<blank>", "<s>", "</s>", *DIGITS, *HAN, "<unk>"],
    },
}


def save_random(directory: Path, config: dict[str, Any], seed: int = 0) -> Path:
    """Make a model directory that AutoModel loads."""
    torch.manual_seed(seed)
    model = funasr.AutoModel(disable_update=True, disable_log=True, **config)
    torch.save(model.model.state_dict(), directory / "model.pt")
    (directory / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    files = {"file_path_metas": {"init_param": "model.pt", "config": "config.yaml"}}
    (directory / "configuration.json").write_text(json.dumps(files))
    return directory


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
