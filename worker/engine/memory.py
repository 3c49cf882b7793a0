"""A GPU's memory: how much audio it takes at once, and what to do when it is full."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from worker.engine.faults import guarded
from worker.engine.interface import Clip, RanOut
from worker.failures import OutOfDeviceMemory
from worker.planning.budget import ON_CPU_S, affordable_seconds

Result = TypeVar("Result")

_TRIED_S = 30.0
_WAITS_S = (0.0, 0.5, 2.0, 8.0)
"""Before each further try: as long as a batch may take that the recogniser works on beside."""


def first_budget_s(device: str, hear: Callable[[Sequence[Clip]], object], clip: Clip) -> float:
    """Padded seconds of the first batches on this device.

    Args:
        device: in torch's words.
        hear: recognises some clips.
        clip: one to try with.
    """
    if not device.startswith("cuda"):
        return ON_CPU_S
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    clips = [clip] * max(1, round(_TRIED_S / clip.seconds))
    hear(clips)
    needed = torch.cuda.max_memory_allocated() - before
    unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    free, _ = torch.cuda.mem_get_info()
    return affordable_seconds(free + unused, needed / (clip.seconds * len(clips)))


def with_room(
    act: Callable[[], Result], ran_out: RanOut, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """Act; where memory is too small, give back what is unused and act again, a few times.

    Args:
        act: changes nothing when it fails.
        ran_out: called once, after the first failure.
        sleep: waits for some seconds.

    Raises as guarded does.
    """
    for number, wait_s in enumerate(_WAITS_S):
        with contextlib.suppress(OutOfDeviceMemory), guarded():
            return act()
        if number == 0:
            ran_out()
        torch.cuda.empty_cache()  # by now the error is gone, and with it what it held
        sleep(wait_s)
    with guarded():
        return act()
