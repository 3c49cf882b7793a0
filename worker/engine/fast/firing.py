"""Continuous integrate-and-fire (CIF) without a loop over frames on the device.

FunASR adds up one weight per frame, fires a token whenever the sum reaches the threshold, and does
so with several device operations per frame. Here the weights come to the CPU once per batch, a
compiled loop decides what fires, and one matrix product makes the tokens' embeddings.
"""

import numba
import numpy as np
import torch
from numpy.typing import NDArray

compiled = numba.njit(nogil=True, cache=True)


@compiled
def integrate(alphas: NDArray[np.float32], threshold: float, taken: float) -> NDArray[np.float32]:
    """The sum before each firing is taken off, shape (batch, frames): FunASR's `fires`.

    Args:
        alphas: weights, shape (batch, frames).
        threshold: sum at which a token fires.
        taken: what a firing takes off the sum.
    """
    sums = np.empty_like(alphas)
    one = np.float32(taken)
    for row in range(alphas.shape[0]):
        total = np.float32(0.0)
        for frame in range(alphas.shape[1]):
            total = np.float32(total + alphas[row, frame])
            sums[row, frame] = total
            if total >= np.float32(threshold):
                total = np.float32(total - one)
    return sums


@compiled
def share_out(
    alphas: NDArray[np.float32], sums: NDArray[np.float32], threshold: float, tokens: int
) -> NDArray[np.float32]:
    """How much of each frame belongs to each token, shape (batch, tokens, frames).

    A frame that fires completes its token with what was missing, and begins the next with the
    rest. What comes after the last token is left out.
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
    """In place of FunASR's `cif`.

    Args:
        hidden: shape (batch, frames, width).
        alphas: shape (batch, frames).
        threshold: sum at which a token fires.

    Returns:
        Embeddings, shape (batch, most tokens, width), zero beyond a clip's own; and `fires`.
    """
    weights = np.ascontiguousarray(alphas.detach().float().cpu().numpy())
    sums = integrate(weights, threshold, 1.0)
    tokens = int(alphas.sum(-1).round().int().max())
    shares = torch.from_numpy(share_out(weights, sums, threshold, max(tokens, 0)))
    unfired = torch.from_numpy((sums >= np.float32(threshold)).sum(1))[:, None]
    shares.masked_fill_((torch.arange(tokens) >= unfired)[..., None], 0.0)
    embeddings = torch.bmm(shares.to(hidden.device, hidden.dtype), hidden)
    return embeddings, torch.from_numpy(sums).to(alphas.device)


def cif_wo_hidden(alphas: torch.Tensor, threshold: float) -> torch.Tensor:
    """In place of FunASR's `cif_wo_hidden`: `fires` alone, shape (batch, frames)."""
    weights = np.ascontiguousarray(alphas.detach().float().cpu().numpy())
    return torch.from_numpy(integrate(weights, threshold, threshold)).to(alphas.device)
