"""A bidirectional LSTM over a padded batch, as if each clip were alone.

Run over padding, the backward pass of a clip would begin in its padding. torch's packed sequences
prevent that, but take a slow path on a CPU: three times as long as turning each clip round and
running two LSTMs over the padded batch.
"""

from typing import Any

import torch
from torch import nn


class BothWays(nn.Module):
    """The same weights as one LSTM of one layer, for each direction by itself."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self._ahead = _one_way(lstm, "")
        self._back = _one_way(lstm, "_reverse")

    def forward(self, frames: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Outputs of both directions, shape (clips, frames, 2 * width).

        Args:
            frames: shape (clips, frames, width), padded.
            lengths: frames of each clip, on the same device.
        """
        places = torch.arange(frames.shape[1], device=frames.device)[None]
        ends = lengths[:, None]
        turned = torch.where(places < ends, ends - 1 - places, places)[..., None]
        ahead, _ = self._ahead(frames)
        back, _ = self._back(frames.gather(1, turned.expand_as(frames)))
        return torch.cat([ahead, back.gather(1, turned.expand_as(back))], dim=-1)


def _one_way(lstm: nn.LSTM, direction: str) -> nn.LSTM:
    single = nn.LSTM(lstm.input_size, lstm.hidden_size, batch_first=True)
    weights: dict[str, Any] = {
        name: getattr(lstm, name + direction)
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    }
    single.load_state_dict(weights)
    return single.to(weights["weight_ih_l0"]).eval()
