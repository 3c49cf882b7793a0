"""FunASR's CifPredictorV3: token embeddings and weights for word times, without a loop over frames.

The formulas are those of funasr/models/bicif_paraformer/cif_predictor.py (`forward` and
`get_upsample_timestamp`), with the module's own weights.

In continuous integrate-and-fire (CIF), FunASR adds up one weight per frame and fires a token
whenever the sum reaches the threshold, with several device operations per frame. Here the weights
are copied to the CPU once per batch, a compiled loop computes the firings, and one matrix product
computes the tokens' embeddings.
"""

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

compiled = numba.njit(nogil=True, cache=True)


@compiled
def integrate_weights(
    alphas: NDArray[np.float32], threshold: float, subtracted: float
) -> NDArray[np.float32]:
    """The running sum at each frame before a firing is subtracted: FunASR's `fires`.

    Args:
        alphas: weights, shape (batch, frames).
        threshold: sum at which a token fires.
        subtracted: amount that a firing subtracts from the sum.

    Returns:
        Shape (batch, frames).
    """
    sums = np.empty_like(alphas)
    decrement = np.float32(subtracted)
    for row in range(alphas.shape[0]):
        total = np.float32(0.0)
        for frame in range(alphas.shape[1]):
            total = np.float32(total + alphas[row, frame])
            sums[row, frame] = total
            if total >= np.float32(threshold):
                total = np.float32(total - decrement)
    return sums


@compiled
def frame_shares(
    alphas: NDArray[np.float32], sums: NDArray[np.float32], threshold: float, tokens: int
) -> NDArray[np.float32]:
    """The share of each frame that belongs to each token, shape (batch, tokens, frames).

    A frame that fires completes its token with the missing weight, and the next token begins with
    the rest. Frames after the last token belong to none.
    """
    shares = np.zeros((alphas.shape[0], tokens, alphas.shape[1]), np.float32)
    for row in range(alphas.shape[0]):
        token = 0
        carried = np.float32(0.0)
        for frame in range(alphas.shape[1]):
            alpha = alphas[row, frame]
            fires = sums[row, frame] >= np.float32(threshold)
            missing = np.float32(np.float32(1.0) - carried)
            if token < tokens:
                shares[row, token, frame] += missing if fires else alpha
            if fires:
                token += 1
                if token < tokens:
                    shares[row, token, frame] += np.float32(alpha - missing)
                carried = np.float32(sums[row, frame] - np.float32(1.0))
            else:
                carried = sums[row, frame]
    return shares


def cif(
    hidden: torch.Tensor, alphas: torch.Tensor, threshold: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Replacement for FunASR's `cif`.

    Args:
        hidden: shape (batch, frames, width).
        alphas: shape (batch, frames).
        threshold: sum at which a token fires.

    Returns:
        Token embeddings, shape (batch, max tokens, width), zero after a clip's last token; and
        `fires`, shape (batch, frames).
    """
    weights = np.ascontiguousarray(alphas.detach().float().cpu().numpy())
    sums = integrate_weights(weights, threshold, 1.0)
    tokens = int(alphas.sum(-1).round().int().max())
    shares = torch.from_numpy(frame_shares(weights, sums, threshold, max(tokens, 0)))
    tokens_per_clip = torch.from_numpy((sums >= np.float32(threshold)).sum(1))[:, None]
    shares.masked_fill_((torch.arange(tokens) >= tokens_per_clip)[..., None], 0.0)
    embeddings = torch.bmm(shares.to(hidden.device, hidden.dtype), hidden)
    return embeddings, torch.from_numpy(sums).to(alphas.device)


def cif_wo_hidden(alphas: torch.Tensor, threshold: float) -> torch.Tensor:
    """Replacement for FunASR's `cif_wo_hidden`: returns only `fires`, shape (batch, frames)."""
    weights = np.ascontiguousarray(alphas.detach().float().cpu().numpy())
    return torch.from_numpy(integrate_weights(weights, threshold, threshold)).to(alphas.device)


class BidirectionalLstm(nn.Module):
    """A one-layer bidirectional LSTM as two unidirectional ones with the same weights.

    On a padded batch, the backward pass of a clip would begin in its padding. torch's packed
    sequences prevent that, but are slow on a CPU: they take three times as long as reversing each
    clip and running two LSTMs over the padded batch.
    """

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
    weights: dict[str, torch.Tensor] = {
        name: getattr(lstm, name + direction)
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    }
    single.load_state_dict(weights)
    return single.to(weights["weight_ih_l0"]).eval()


class FastPredictor:
    """Runs one CifPredictorV3 whose upsample_type is "cnn" or "cnn_blstm"."""

    def __init__(self, predictor: Any) -> None:
        self._predictor = predictor
        self.upsampled = int(predictor.upsample_times)
        """Frames of word times per encoded frame."""
        lstm = getattr(predictor, "blstm", None)
        self._lstm = BidirectionalLstm(lstm) if lstm is not None else None

    def embed(
        self, encoded: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Token embeddings, shape (batch, most tokens, width), and the tokens of each clip.

        Args:
            encoded: the encoder's output, shape (batch, frames, width), padded.
            lengths: frames of each clip.
        """
        module, mask = self._predictor, _mask(encoded, lengths)
        weights = torch.sigmoid(module.cif_output(self._convolved(encoded).transpose(1, 2)))
        weights = torch.relu(weights * module.smooth_factor - module.noise_threshold).squeeze(-1)
        weights = weights * mask
        if module.tail_threshold <= 0.0:
            embeddings, _ = cif(encoded, weights, module.threshold)
            return embeddings, weights.sum(-1)
        hidden, weights, tokens = module.tail_process_fn(encoded, weights, None, mask=mask)
        embeddings, _ = cif(hidden, weights, module.threshold)
        return embeddings[:, : int(tokens.max())], tokens

    def word_times(
        self, encoded: torch.Tensor, lengths: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights for word times and their running sums, each of shape (batch, upsampled frames).

        Args:
            encoded: as in `embed`.
            lengths: as in `embed`.
            tokens: tokens of each clip.
        """
        module = self._predictor
        source = self._convolved(encoded) if module.use_cif1_cnn else encoded.transpose(1, 2)
        frames = module.upsample_cnn(source).transpose(1, 2)
        if self._lstm is not None:
            frames = self._lstm(frames, lengths * self.upsampled)
        weights = torch.sigmoid(module.cif_output2(frames)).squeeze(-1)
        weights = torch.relu(weights * module.smooth_factor2 - module.noise_threshold2)
        weights = weights * _mask(encoded, lengths).repeat_interleave(self.upsampled, 1)
        weights = weights * (tokens / weights.sum(-1))[:, None]
        return weights, cif_wo_hidden(weights, module.threshold - 1e-4)

    def _convolved(self, encoded: torch.Tensor) -> torch.Tensor:
        module = self._predictor
        return torch.relu(module.cif_conv1d(module.pad(encoded.transpose(1, 2))))


def _mask(encoded: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """1.0 for the frames of each clip and 0.0 for padding, shape (batch, frames)."""
    places = torch.arange(encoded.shape[1], device=encoded.device)[None]
    return (places < lengths.to(encoded.device)[:, None]).float()
