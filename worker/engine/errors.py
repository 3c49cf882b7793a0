"""Translate exceptions of torch and FunASR into the errors of worker.errors."""

import contextlib
from collections.abc import Iterator

import torch

from funasr_fleet.worker.errors import DeviceLost, FileFailure, ModelError, OutOfDeviceMemory

_OOM_PHRASES = ("out of memory", "ALLOC_FAILED")
"""Out-of-memory messages of CUDA, cuBLAS, cuDNN and cuFFT, which torch passes on unchanged."""
_DEVICE_LOST_PHRASES = ("CUDA error", "device-side assert")
"""After these errors every later call fails too; other errors are caused by the input."""


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Translate exceptions raised by a model within the block.

    MemoryError, OSError, FileFailure and DeviceLost pass unchanged.

    Raises:
        OutOfDeviceMemory: the device's memory was too small.
        DeviceLost: this process can no longer use the device.
        ModelError: the model failed on these inputs.
    """
    try:
        yield
    except (MemoryError, OSError, FileFailure, DeviceLost):
        raise
    except Exception as error:  # FunASR raises any type: IndexError, TypeError, its own
        raise _translated(error) from error


def _translated(error: Exception) -> Exception:
    """Our error for an exception of torch or FunASR."""
    message = str(error)
    if isinstance(error, torch.OutOfMemoryError) or any(words in message for words in _OOM_PHRASES):
        return OutOfDeviceMemory(message)
    if any(words in message for words in _DEVICE_LOST_PHRASES):
        return DeviceLost(message)
    return ModelError(f"{type(error).__name__}: {message}")
