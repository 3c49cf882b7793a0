"""Low frame rate (LFR) and CMVN: stack neighbouring frames, shift and scale them.

Stacked frame i of m holds frames i*n - (m-1)/2 ... of the clip, the first and the last one
repeated beyond its ends; as FunASR's apply_lfr and apply_cmvn do clip by clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Stacking:
    """How a frontend stacks, and the moments it applies."""

    stacked: int
    """Frames in a stack: m."""
    step: int
    """Frames from one stack to the next: n."""
    shift: torch.Tensor
    """Shape (m * 80,), added."""
    scale: torch.Tensor
    """Shape (m * 80,), multiplied after that."""

    def length(self, frames: int) -> int:
        """Stacked frames of a clip."""
        return -(-frames // self.step)

    def __call__(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Stack many clips at once.

        Args:
            clips: each of shape (frames, 80).

        Returns:
            Padded with zeros, shape (clips, longest, m * 80); and each clip's length.
        """
        device = clips[0].device
        frames = torch.tensor([len(clip) for clip in clips])
        lengths = -(-frames // self.step)
        index = self._index(frames, int(lengths.max())).to(device, non_blocking=True)
        stacked = torch.cat(list(clips))[index].flatten(2)
        stacked.add_(self.shift).mul_(self.scale)
        lengths = lengths.to(device)
        beyond = torch.arange(stacked.shape[1], device=device) >= lengths[:, None]
        return stacked.masked_fill_(beyond[..., None], 0.0), lengths

    def _index(self, frames: torch.Tensor, longest: int) -> torch.Tensor:
        """Rows of the clips laid end to end, shape (clips, longest, m)."""
        within = torch.arange(longest)[:, None] * self.step + torch.arange(self.stacked)
        within = within - (self.stacked - 1) // 2
        within = torch.minimum(within.clamp_(min=0)[None], (frames - 1)[:, None, None])
        begin = torch.cumsum(frames, 0) - frames
        return within + begin[:, None, None]
