"""A bidirectional LSTM over a padded batch whose results do not depend on the padding.

Run over padding, the backward pass of a clip would begin in its padding. torch's packed sequences
prevent that but take a slow path on a CPU: three times as long as reversing each clip and running
two LSTMs over the padded batch.
"""

from typing import Any

import torch
from torch import nn


class BidirectionalLstm(nn.Module):
    """A one-layer bidirectional LSTM as two unidirectional ones with the same weights."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self._forward_lstm = _single_direction(lstm, "")
        self._backward_lstm = _single_direction(lstm, "_reverse")

    def forward(self, frames: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Run both directions and return their outputs, shape (clips, frames, 2 * width).

        Args:
            frames: shape (clips, frames, width), padded.
            lengths: frames of each clip, on the same device.
        """
        positions = torch.arange(frames.shape[1], device=frames.device)[None]
        ends = lengths[:, None]
        reversed_index = torch.where(positions < ends, ends - 1 - positions, positions)[..., None]
        forward, _ = self._forward_lstm(frames)
        backward, _ = self._backward_lstm(frames.gather(1, reversed_index.expand_as(frames)))
        return torch.cat([forward, backward.gather(1, reversed_index.expand_as(backward))], dim=-1)


def _single_direction(lstm: nn.LSTM, direction: str) -> nn.LSTM:
    single = nn.LSTM(lstm.input_size, lstm.hidden_size, batch_first=True)
    weights: dict[str, Any] = {
        name: getattr(lstm, name + direction)
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    }
    single.load_state_dict(weights)
    return single.to(weights["weight_ih_l0"]).eval()
