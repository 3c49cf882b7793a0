"""Features in torch: Kaldi's filter bank, ten times as fast as kaldi-native-fbank, and stacking.

Filter bank: framing without padding (snip_edges), mean removed per frame, pre-emphasis 0.97,
Hamming window, power spectrum of 512 points, 80 mel bins from 20 Hz to 8 kHz, natural logarithm.
Dither is 0. On speech the largest difference to kaldi-native-fbank is below 2e-3, the mean about
5e-6.

Low frame rate (LFR): stacked frame i holds the m frames of the clip that begin at i*n - (m-1)/2;
the first and the last frame are repeated beyond the ends. FunASR's apply_lfr and apply_cmvn do the
same for one clip.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from funasr_fleet.worker.text.spans import SAMPLE_RATE

FRAME_SAMPLES = 400
SHIFT_SAMPLES = 160
MEL_BINS = 80
FRAME_MS = 10

_FFT = 512
_PRE_EMPHASIS = 0.97
_LOWEST_HZ = 20.0
_FULL_SCALE = 32768.0
"""FunASR's frontends scale samples to the 16-bit range."""
_BLOCK_FRAMES = {"cpu": 256, "cuda": 1 << 16}
"""Frames per block: on a CPU the temporaries then fit into its cache, which is twice as fast."""


def is_standard(frontend: Any) -> bool:
    """Whether a frontend of FunASR computes the features of FilterBank."""
    shape = (frontend.fs, frontend.n_mels, frontend.frame_length, frontend.frame_shift)
    is_hamming = frontend.window == "hamming"
    return shape == (SAMPLE_RATE, MEL_BINS, 25, FRAME_MS) and is_hamming and frontend.snip_edges


def frame_count(samples: int) -> int:
    """Number of whole frames in a number of samples."""
    return max(0, (samples - FRAME_SAMPLES) // SHIFT_SAMPLES + 1)


def _mel(hertz: float) -> float:
    return 1127.0 * math.log(1.0 + hertz / 700.0)


def _mel_weights() -> torch.Tensor:
    """Triangles on the mel scale, shape (257, 80); the Nyquist bin has no weight, as in Kaldi."""
    low = _mel(_LOWEST_HZ)
    step = (_mel(SAMPLE_RATE / 2) - low) / (MEL_BINS + 1)
    hertz = torch.arange(_FFT // 2, dtype=torch.float64) * (SAMPLE_RATE / _FFT)
    mels = 1127.0 * torch.log(1.0 + hertz / 700.0)
    left = low + step * torch.arange(MEL_BINS, dtype=torch.float64)[:, None]
    rising, falling = (mels - left) / step, (left + 2 * step - mels) / step
    weights = torch.minimum(rising, falling).clamp_(min=0)
    return torch.nn.functional.pad(weights, (0, 1)).T.float().contiguous()


class FilterBank:
    """The filter bank on one device."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._weights = _mel_weights().to(self._device)
        window = torch.hamming_window(FRAME_SAMPLES, periodic=False, dtype=torch.float64)
        self._window = window.float().to(self._device)
        self._block = _BLOCK_FRAMES[self._device.type]

    @torch.inference_mode()
    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Compute log mel energies.

        Args:
            samples: shape (samples,), float32 in [-1, 1], on any device.

        Returns:
            Shape (frames, 80), on the filter bank's device.
        """
        count = frame_count(len(samples))
        energies = torch.empty(count, MEL_BINS, device=self._device)
        if not count:
            return energies
        if self._device.type == "cuda":
            samples = samples.pin_memory()  # makes the copy asynchronous
        frames = samples.to(self._device, non_blocking=True).unfold(0, FRAME_SAMPLES, SHIFT_SAMPLES)
        padded = torch.zeros(min(self._block, count), _FFT, device=self._device)
        for start in range(0, count, self._block):
            block = frames[start : start + self._block]
            self._energies(block, padded, energies[start : start + self._block])
        return energies.clamp_(min=torch.finfo(torch.float32).eps).log_()

    def _energies(self, frames: torch.Tensor, padded: torch.Tensor, out: torch.Tensor) -> None:
        """Write the mel energies of a block of frames to `out`.

        `padded` is scratch space; its columns from FRAME_SAMPLES on must be zero.
        """
        scaled = frames * _FULL_SCALE
        scaled -= scaled.mean(1, keepdim=True)
        windowed = padded[: len(scaled), :FRAME_SAMPLES]
        torch.sub(scaled[:, 1:], scaled[:, :-1], alpha=_PRE_EMPHASIS, out=windowed[:, 1:])
        torch.mul(scaled[:, 0], 1 - _PRE_EMPHASIS, out=windowed[:, 0])
        windowed *= self._window
        spectrum = torch.fft.rfft(padded[: len(scaled)])
        torch.matmul(spectrum.real.square() + spectrum.imag.square(), self._weights, out=out)


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
