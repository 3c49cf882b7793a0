"""ContextualParaformer, which is told hotwords.

One clip and a batch: [{"key", "text"}], never times; else as Paraformer, with its IndexError.
hotword is one string, split at blanks; a list raises TypeError, what begins with http is fetched,
the name of a .txt that exists is read; the hotwords are logged. One decoder block is too few.
"""

from pathlib import Path
from typing import Any

from tests.support.small_models import paraformer
from tests.support.small_models.parts import WIDTH, save_mended

CONFIG: dict[str, Any] = {
    **paraformer.CONFIG,
    "model": "ContextualParaformer",
    "model_conf": {
        **paraformer.CONFIG["model_conf"],
        "inner_dim": WIDTH,
        "bias_encoder_type": "lstm",
    },
    "decoder": "ContextualParaformerDecoder",
}


def make(directory: Path) -> Path:
    """Make the model directory."""
    return save_mended(directory, CONFIG, paraformer.speak)
