"""Any other FunASR recogniser: its text, and its language if given in the usual field."""

from pathlib import Path
from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.engine.families.interface import Family, init_param
from funasr_fleet.worker.text.segments import Recognition


def read_result(result: dict[str, Any], _confidence: float | None = None) -> Recognition:
    """Parse one item of generate's result."""
    language = result.get("language")
    return Recognition(
        text=" ".join(str(result.get("text", "")).split()),
        language=str(language) if language else None,
    )


_WEIGHTS = {".safetensors", ".bin"}
"""Suffixes used by Hugging Face's transformers."""


def weights(kwargs: dict[str, Any]) -> Path | None:
    """The configured weights file, or a directory of weights that the model loads itself."""
    found = init_param(kwargs)
    if found is not None and found.exists():
        return found
    directory = Path(str(kwargs.get("model_path") or kwargs.get("model")))
    has_weights = directory.is_dir() and any(
        file.suffix in _WEIGHTS for file in directory.iterdir()
    )
    return directory if has_weights else found


def externally_loaded(model: Any) -> frozenset[str]:
    """Tensors that transformers loads from a directory; it reports mismatches itself."""
    try:
        from transformers import PreTrainedModel
    except ImportError:
        return frozenset()
    parts = [
        f"{name}."
        for name, module in model.model.named_modules()
        if name and isinstance(module, PreTrainedModel) and module.name_or_path
    ]
    return frozenset(name for name in model.model.state_dict() if name.startswith(tuple(parts)))


OTHER = Family(
    title="Any other recogniser",
    classes=frozenset(),
    examples=(),
    files="the weights, and what its `config.yaml` names",
    can=Abilities(batch=False),
    read=read_result,
    weights=weights,
    externally_loaded=externally_loaded,
    note="text only, no batching; may need additional packages; not tested",
)
