"""ERes2NetV2, which tells voices apart.

[{"spk_embedding": tensor of (clips, embedding_size)}]: one item for the whole batch, in which
longer neighbours change the embedding of a shorter clip. Under 1,680 samples: NaN; 20 ms:
RuntimeError.
"""

from pathlib import Path
from typing import Any

from tests.support.random_models import save_random

CONFIG: dict[str, Any] = {
    "model": "ERes2NetV2",
    "model_conf": {
        "feat_dim": 80,
        "embedding_size": 32,
        "m_channels": 8,
        "num_blocks": [1, 1, 1, 1],
    },
}


def make(directory: Path) -> Path:
    """Make the model directory."""
    return save_random(directory, CONFIG)
