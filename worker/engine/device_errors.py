"""Translates errors of torch and FunASR into those of worker.errors, and retries on OOM."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from funasr_fleet.worker.engine.interface import OnOom
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


Result = TypeVar("Result")

_RETRY_DELAYS_S = (0.0, 0.5, 2.0, 8.0)
"""Delays before the retries; a batch recognised concurrently may end within this time."""


def retry_on_oom(
    operation: Callable[[], Result], on_oom: OnOom, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """Run an operation; when memory is too small, free cached memory and retry, up to 4 times.

    Args:
        operation: must change no state when it fails.
        on_oom: called once, after the first failure.
        sleep: waits for a number of seconds.

    Raises the errors of translate_errors.
    """
    for number, wait_s in enumerate(_RETRY_DELAYS_S):
        with contextlib.suppress(OutOfDeviceMemory), translate_errors():
            return operation()
        if number == 0:
            on_oom()
        torch.cuda.empty_cache()  # the exception, whose traceback held tensors, is released by now
        sleep(wait_s)
    with translate_errors():
        return operation()
