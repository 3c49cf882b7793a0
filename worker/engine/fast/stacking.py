"""Low frame rate (LFR) and CMVN: stack neighbouring frames, then shift and scale them.

Stacked frame i holds the m frames of the clip that begin at i*n - (m-1)/2; the first and the last
frame are repeated beyond the ends. FunASR's apply_lfr and apply_cmvn do the same for one clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Stacking:
    """Parameters of a frontend: stack size, step, and CMVN."""

    stacked: int
    """Frames in a stack: m."""
    step: int
    """Frames from one stack to the next: n."""
    shift: torch.Tensor
    """Shape (m * 80,), added."""
    scale: torch.Tensor
    """Shape (m * 80,), multiplied after the shift."""

    def length(self, frames: int) -> int:
        """Number of stacked frames of a clip."""
        return -(-frames // self.step)

    def __call__(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Stack a batch of clips.

        Args:
            clips: each of shape (frames, 80).

        Returns:
            Stacked frames padded with zeros, shape (clips, longest, m * 80), and their lengths.
        """
        device = clips[0].device
        frames = torch.tensor([len(clip) for clip in clips])
        lengths = -(-frames // self.step)
        index = self._index(frames, int(lengths.max())).to(device, non_blocking=True)
        stacked = torch.cat(list(clips))[index].flatten(2)
        stacked.add_(self.shift).mul_(self.scale)
        lengths = lengths.to(device)
        is_padding = torch.arange(stacked.shape[1], device=device) >= lengths[:, None]
        return stacked.masked_fill_(is_padding[..., None], 0.0), lengths

    def _index(self, frames: torch.Tensor, longest: int) -> torch.Tensor:
        """Indices into the concatenated clips, shape (clips, longest, m)."""
        offsets = torch.arange(longest)[:, None] * self.step + torch.arange(self.stacked)
        offsets = offsets - (self.stacked - 1) // 2
        offsets = torch.minimum(offsets.clamp_(min=0)[None], (frames - 1)[:, None, None])
        starts = torch.cumsum(frames, 0) - frames
        return offsets + starts[:, None, None]
