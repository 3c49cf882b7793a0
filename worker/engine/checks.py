"""Does the model sit where it should, with the weights it should have?

FunASR falls back to the CPU, and goes on with random weights, without an error.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import torch

from worker.failures import ModelUnusable


def assert_cuda(device: str) -> None:
    """Refuse to go on when CUDA was planned and does not work here.

    Raises:
        ModelUnusable: with what torch says.
    """
    if device == "cpu":
        return
    if not torch.cuda.is_available():
        raise ModelUnusable(
            f"{device} was planned, but torch {torch.__version__} sees no CUDA device; "
            "install a CUDA build of torch, or set FLEET_DEVICES=cpu"
        )


def assert_device(name: str, module: torch.nn.Module, device: str) -> None:
    """Every parameter and buffer of the model must be on the device.

    Raises:
        ModelUnusable: saying how many are elsewhere.
    """
    tensors = [*module.parameters(), *module.buffers()]
    found = Counter(str(tensor.device) for tensor in tensors)
    if set(found) - {device}:
        raise ModelUnusable(f"{name} was to sit on {device}, but sits on {dict(found)}")


def is_on_device(module: torch.nn.Module, device: str) -> bool:
    """Whether every parameter of the model is on the device."""
    return all(str(parameter.device) == device for parameter in module.parameters())


def assert_weights(name: str, kwargs: dict[str, Any], weights: Path | None) -> Path:
    """FunASR must have found the file of weights; return the model's directory, or that file.

    Args:
        name: what the model is for.
        kwargs: what AutoModel was built with.
        weights: where its weights are to lie.

    Raises:
        ModelUnusable: naming the file that is missing.
    """
    if weights is None or not weights.exists():
        raise ModelUnusable(f"{name} has no weights at {weights}: FunASR would guess at random")
    directory = Path(str(kwargs.get("model_path") or weights.parent))
    return directory if directory.is_dir() and directory in weights.parents else weights
