"""Models beside a recogniser: VAD, punctuation, speakers."""

from pathlib import Path
from typing import Any

from tests.support.small_models.parts import SANM_ENCODER, TOKENIZER, save_random

CAMPPLUS: dict[str, Any] = {
    "model": "CAMPPlus",
    "model_conf": {"feat_dim": 80, "embedding_size": 32, "growth_rate": 8},
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000},
}

CT_TRANSFORMER: dict[str, Any] = {
    "model": "CTTransformer",
    "model_conf": {
        "punc_list": ["<unk>", "_", "\uff0c", "\u3002", "\uff1f", "\u3001"],
        "embed_unit": 32,
        "att_unit": 32,
        "sentence_end_id": 3,
    },
    "encoder": "SANMEncoder",
    "encoder_conf": {"input_size": 32, **SANM_ENCODER["encoder_conf"]},
    **TOKENIZER,
}
ERES2NET: dict[str, Any] = {
    "model": "ERes2NetV2",
    "model_conf": {
        "feat_dim": 80,
        "embedding_size": 32,
        "m_channels": 8,
        "num_blocks": [1, 1, 1, 1],
    },
}


def make_eres2net(directory: Path) -> Path:
    """ERes2NetV2, which distinguishes speakers.

    Returns [{"spk_embedding": tensor of (clips, embedding_size)}], one item for the whole batch. In
    a batch, longer clips change the embedding of a shorter one. A clip under 1,680 samples gives
    NaN, one of 20 ms raises RuntimeError.
    """
    return save_random(directory, ERES2NET)


def make_silero(directory: Path) -> Path:
    """Silero VAD through FunASR's SileroVad; the pip package silero-vad brings trained weights.

    Returns [{"key", "value": [[start_ms, end_ms], ...]}]; the value is [] without speech. Accepts
    batches, in a loop. 0 samples raise ZeroDivisionError. Does not need torchaudio.
    """
    return save_random(directory, {"model": "SileroVad", "model_conf": {}})
