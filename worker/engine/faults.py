"""What torch and FunASR raise -> our errors."""

import contextlib
from collections.abc import Iterator

import torch

from worker.failures import DeviceLost, FileFailure, ModelError, OutOfDeviceMemory

_FULL = ("out of memory", "ALLOC_FAILED")
"""As CUDA, cuBLAS, cuDNN and cuFFT say that memory is too small; torch passes it on as it is."""
_LOST = ("CUDA error", "device-side assert")
"""After these every later call fails too; other errors belong to the input."""


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Turn what a model raises into our errors.

    Raises:
        OutOfDeviceMemory: the device's memory was too small.
        DeviceLost: the device is of no use to this process any more.
        ModelError: the model failed on these inputs.
    """
    try:
        yield
    except (MemoryError, OSError, FileFailure, DeviceLost):
        raise
    except Exception as error:  # FunASR raises what it likes: IndexError, TypeError, its own
        raise explain(error) from error


def explain(error: Exception) -> Exception:
    """Our error for one of torch's or FunASR's."""
    message = str(error)
    if isinstance(error, torch.OutOfMemoryError) or any(words in message for words in _FULL):
        return OutOfDeviceMemory(message)
    if any(words in message for words in _LOST):
        return DeviceLost(message)
    return ModelError(f"{type(error).__name__}: {message}")
