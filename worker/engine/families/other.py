"""Any other recogniser of FunASR: its text, and whatever else it words as others do."""

from pathlib import Path
from typing import Any

from contract.abilities import Abilities
from worker.engine.families.interface import Family, where_it_was_loaded_from
from worker.engine.interface import Hints
from worker.planning.assembly import Recognition


def ask(_hints: Hints) -> dict[str, Any]:
    """There is nothing that all of them understand."""
    return {}


def read_result(result: dict[str, Any], _overheard: Any = None) -> Recognition:
    """One item of what generate returns."""
    language = result.get("language")
    return Recognition(
        text=" ".join(str(result.get("text", "")).split()),
        language=str(language) if language else None,
    )


_WEIGHTS = {".safetensors", ".bin"}
"""As Hugging Face's transformers write them."""


def weights(loaded: dict[str, Any]) -> Path | None:
    """The file that AutoModel was to find; or a directory of weights that it reads by itself."""
    found = where_it_was_loaded_from(loaded)
    if found is not None and found.exists():
        return found
    directory = Path(str(loaded.get("model_path") or loaded.get("model")))
    known = directory.is_dir() and any(file.suffix in _WEIGHTS for file in directory.iterdir())
    return directory if known else found


def loaded_apart(model: Any) -> frozenset[str]:
    """What Hugging Face's transformers read from a directory of its own, and complain about."""
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
    title="any other recogniser",
    classes=frozenset(),
    examples=(),
    can=Abilities(batch=False),
    ask=ask,
    read=read_result,
    weights=weights,
    loaded_apart=loaded_apart,
    note="text alone, clip by clip; may need packages of its own; not tried",
)
