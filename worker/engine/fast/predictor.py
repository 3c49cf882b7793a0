"""FunASR's CifPredictorV3 with compiled firing: token embeddings, and weights for word times.

The formulas are those of funasr/models/bicif_paraformer/cif_predictor.py (`forward` and
`get_upsample_timestamp`), with the module's own weights.
"""

from typing import Any

import torch

from funasr_fleet.worker.engine.fast import cif
from funasr_fleet.worker.engine.fast.bidirectional_lstm import BidirectionalLstm


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
            embeddings, _ = cif.cif(encoded, weights, module.threshold)
            return embeddings, weights.sum(-1)
        hidden, weights, tokens = module.tail_process_fn(encoded, weights, None, mask=mask)
        embeddings, _ = cif.cif(hidden, weights, module.threshold)
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
        return weights, cif.cif_wo_hidden(weights, module.threshold - 1e-4)

    def _convolved(self, encoded: torch.Tensor) -> torch.Tensor:
        module = self._predictor
        return torch.relu(module.cif_conv1d(module.pad(encoded.transpose(1, 2))))


def _mask(encoded: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """1.0 for the frames of each clip and 0.0 for padding, shape (batch, frames)."""
    places = torch.arange(encoded.shape[1], device=encoded.device)[None]
    return (places < lengths.to(encoded.device)[:, None]).float()
