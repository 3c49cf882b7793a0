"""Continuous integrate-and-fire (CIF) without a loop over frames on the device.

FunASR adds up one weight per frame and fires a token whenever the sum reaches the threshold, with
several device operations per frame. Here the weights are copied to the CPU once per batch, a
compiled loop computes the firings, and one matrix product computes the tokens' embeddings.
"""

import numba
import numpy as np
import torch
from numpy.typing import NDArray

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
