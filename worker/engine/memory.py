"""How much audio a GPU's memory takes at once, seen by trying."""

from collections.abc import Callable, Sequence

import torch

from worker.engine.interface import Clip
from worker.planning.budget import ON_CPU_S, affordable_seconds

_TRIED_S = 30.0


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
