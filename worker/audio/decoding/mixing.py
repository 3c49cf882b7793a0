"""PURE: the mix of all channels, or one channel where they cancel."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from funasr_fleet.worker.errors import UndecodableAudio

Samples = NDArray[np.float32]
"""Shape (samples,)."""

_SHARE = 0.03
"""Channels cancel if their mix has less than 3 % of the energy that the mix of independent channels
of the same energy has. Two inverted channels do if their gains differ by less than a fifth."""
_SILENCE = 1e-6
"""Mean square of a channel below which it is silent: -60 dB of full scale."""
_LEAST_SAMPLES = 4000
"""A quarter of a second: shorter pieces of independent channels may cancel by chance."""


class Mono(NamedTuple):
    """The samples of one channel or of the mix."""

    samples: Samples
    cancelled: bool = False
    """Whether the channels cancel, so that the samples are those of the loudest channel."""


def choose_channel(planes: NDArray[np.float32], channel: int | None) -> Mono:
    """One channel, or the mix of all.

    Args:
        planes: shape (channels, samples).
        channel: None for the mix.

    Raises:
        UndecodableAudio: the channel does not exist.
    """
    if channel is None:
        return mix(planes)
    if channel >= len(planes):
        raise UndecodableAudio(
            f"there is no channel {channel}: the file has {len(planes)}, numbered from 0"
        )
    return Mono(np.ascontiguousarray(planes[channel]))


def mix(planes: NDArray[np.float32]) -> Mono:
    """The mean of all channels; the loudest channel if the mean is silent and it is not.

    One channel of a stereo recording may be the other one inverted, by wrong wiring.

    Args:
        planes: shape (channels, samples).
    """
    count = len(planes)
    total: Samples = planes[0]
    for plane in planes[1:]:  # ten times as fast as np.mean over an axis of two
        total = total + plane
    if count == 1:
        return Mono(total)
    energy = float(np.vdot(planes.T, planes.T))  # the resampler packs samples: no copy
    if total.size >= _LEAST_SAMPLES and float(total @ total) < _SHARE * energy:
        energies = [float(plane @ plane) for plane in planes]
        if max(energies) > _SILENCE * total.size:
            return Mono(np.ascontiguousarray(planes[int(np.argmax(energies))]), cancelled=True)
    return Mono(total / np.float32(count))
