"""Check that a model is on its device and that its weights file exists.

FunASR falls back to the CPU, and continues with random weights, without an error.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import torch

from funasr_fleet.worker.errors import ModelUnusable


def assert_cuda(device: str) -> None:
    """Check that torch can use CUDA when a CUDA device is configured.

    Raises:
        ModelUnusable: torch sees no CUDA device.
    """
    if device == "cpu":
        return
    if not torch.cuda.is_available():
        raise ModelUnusable(
            f"{device} is configured, but torch {torch.__version__} sees no CUDA device; "
            "install a CUDA build of torch, or set FLEET_DEVICES=cpu"
        )


def assert_device(name: str, module: torch.nn.Module, device: str) -> None:
    """Check that every parameter and buffer of the model is on the device.

    Raises:
        ModelUnusable: with the number of tensors per device.
    """
    tensors = [*module.parameters(), *module.buffers()]
    tensors_by_device = Counter(str(tensor.device) for tensor in tensors)
    if set(tensors_by_device) - {device}:
        raise ModelUnusable(
            f"{name} should be on {device}, but its tensors are on {dict(tensors_by_device)}"
        )


def is_on_device(module: torch.nn.Module, device: str) -> bool:
    """Whether every parameter of the model is on the device."""
    return all(str(parameter.device) == device for parameter in module.parameters())


def assert_weights(name: str, kwargs: dict[str, Any], weights: Path | None) -> Path:
    """Check that the weights exist.

    Args:
        name: purpose of the model.
        kwargs: the arguments that AutoModel was built with.
        weights: expected weights file or directory.

    Returns:
        The model's directory when it contains the weights, otherwise the weights path.

    Raises:
        ModelUnusable: the weights are missing; the message names the path.
    """
    if weights is None or not weights.exists():
        raise ModelUnusable(
            f"{name} has no weights at {weights}: FunASR would run with random weights"
        )
    directory = Path(str(kwargs.get("model_path") or weights.parent))
    return directory if directory.is_dir() and directory in weights.parents else weights
