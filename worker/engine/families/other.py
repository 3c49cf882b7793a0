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


def weights(loaded: dict[str, Any]) -> Path | None:
    """The file that AutoModel was to find; or the directory that the model reads by itself."""
    found = where_it_was_loaded_from(loaded)
    if found is not None and found.exists():
        return found
    directory = Path(str(loaded.get("model_path") or loaded.get("model")))
    return directory if directory.is_dir() else found


OTHER = Family(
    title="any other recogniser",
    classes=frozenset(),
    examples=("Qwen/Qwen3-ASR-0.6B", "zai-org/GLM-ASR-Nano-2512"),
    can=Abilities(batch=False),
    ask=ask,
    read=read_result,
    weights=weights,
    note="text alone, clip by clip; may need packages of its own",
)
