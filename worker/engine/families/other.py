"""Any other FunASR recogniser: its text, and its language if given in the usual field."""

from collections.abc import Callable, Iterator
from functools import partial
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

_RENAMED = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
"""Tensors that transformers renames while it loads old files."""

_RTOL, _ATOL = 0.01, 1e-4
"""bfloat16 has 8 bits of precision."""


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
    """Tensors that transformers has loaded from a directory.

    transformers only prints the names of missing tensors and leaves them at random values. A part
    that is built from a configuration alone names the same directory. So the values are compared
    with those of the files.
    """
    try:
        from transformers import PreTrainedModel
    except ImportError:
        return frozenset()
    return frozenset(
        f"{name}.{own}"
        for name, part in model.model.named_modules()
        if name and isinstance(part, PreTrainedModel) and part.name_or_path
        for own in _read_tensors(part)
    )


def _read_tensors(part: Any) -> Iterator[str]:
    """Names of the tensors of a part that have the values of the files in its directory."""
    prefix, own = f"{part.base_model_prefix}.", part.state_dict()
    # a file of the whole model has the prefix, a file of its base does not
    names = {saved: name for name in own for saved in (name.removeprefix(prefix), prefix + name)}
    names |= {name: name for name in own}
    for new, old in _RENAMED.items():
        names |= {name.replace(new, old): name for name in own if name.endswith(new)}
    for saved, read in _saved_tensors(Path(part.name_or_path)):
        name = names.get(saved)
        if name and _is_equal(own[name], read()):
            yield name


def _saved_tensors(directory: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name of each tensor in the files that transformers reads, and a function that reads it."""
    if files := sorted(directory.glob("model*.safetensors")):
        from safetensors import safe_open

        for file in files:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - it is not a mapping
                    yield name, partial(opened.get_tensor, name)
        return
    import torch

    for file in sorted(directory.glob("pytorch_model*.bin")):
        saved = torch.load(file, map_location="cpu", weights_only=True)
        for name in saved:
            yield name, partial(saved.get, name)


def _is_equal(own: Any, saved: Any) -> bool:
    """Whether the values are equal; they may have been rounded to 16 bits."""
    if own.shape != saved.shape:
        return False
    return bool(own.float().allclose(saved.to(own.device).float(), rtol=_RTOL, atol=_ATOL))


OTHER = Family(
    title="Any other recogniser",
    classes=frozenset(),
    examples=(),
    files="the weights, and what its `config.yaml` names; a part of transformers must be in a "
    "directory with `model.safetensors` or `pytorch_model.bin`",
    can=Abilities(batch=False),
    read=read_result,
    weights=weights,
    externally_loaded=externally_loaded,
    note="text only, no batching; may need additional packages; not tested",
)
