"""GPU memory: the batch size that fits, and retries when memory is full."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from funasr_fleet.worker.engine.errors import translate_errors
from funasr_fleet.worker.engine.interface import Clip, OnOom
from funasr_fleet.worker.errors import OutOfDeviceMemory
from funasr_fleet.worker.text.batching import ON_CPU_S, affordable_seconds

Result = TypeVar("Result")

_SAMPLE_S = 30.0
_RETRY_DELAYS_S = (0.0, 0.5, 2.0, 8.0)
"""Delays before the retries; a batch recognised concurrently may end within this time."""


def first_budget_s(device: str, recognise: Callable[[Sequence[Clip]], object], clip: Clip) -> float:
    """Initial batch budget of this device, in padded seconds.

    On a GPU, a batch of about 30 s is recognised and its peak memory is measured.

    Args:
        device: torch's device string.
        recognise: recognises some clips.
        clip: sample clip for the measurement.
    """
    if not device.startswith("cuda"):
        return ON_CPU_S
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    clips = [clip] * max(1, round(_SAMPLE_S / clip.seconds))
    recognise(clips)
    needed = torch.cuda.max_memory_allocated() - before
    unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    free, _ = torch.cuda.mem_get_info()
    return affordable_seconds(free + unused, needed / (clip.seconds * len(clips)))


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
