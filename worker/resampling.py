"""Frames of any format and the gaps between them -> pieces of 16 kHz samples."""

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from worker.damage import Gap, Sound, seconds_of
from worker.failures import UndecodableAudio
from worker.planning.spans import SAMPLE_RATE

Planes = NDArray[np.float32]
"""Samples at 16 kHz, shape (channels, samples)."""

_LOUDEST = 16.0
"""Full scale is 1: a decoder that makes more of a damaged packet makes noise."""
_PIECE_SAMPLES = SAMPLE_RATE
"""FFmpeg gathers its frames into pieces of a second: 1.5 times as fast as taking each of 64 ms."""


@dataclass(frozen=True)
class Piece:
    """The next few samples of a file."""

    planes: Planes
    source_rate: int
    """Samples per second in the file, in Hz."""
    lost: int = 0
    """How many samples are missing from here on: silence in this piece, or nothing at all."""


class Resampler:
    """Makes 16 kHz of one stream, every channel kept; its frames must all have one format."""

    def __init__(self, source_rate: int, codec: str) -> None:
        """Take the samples per second that the file tells, and FFmpeg's name of its codec."""
        self._rate = source_rate
        self._is_pcm = codec.startswith("pcm_")
        self._resampler: av.AudioResampler | None = None
        self.channels = 0
        """How many there are; 0 before the first frame."""
        self._elapsed_s = 0.0
        """Of what came in, silence for what is missing included."""
        self._samples = 0
        """Of what went out."""

    def pieces(self, sound: Sound) -> Iterator[Piece]:
        """What can be given out once this frame has come; at the end, all that is left."""
        if sound.frame and not self.channels:
            self.channels = sound.frame.layout.nb_channels
        if sound.frame is None or sound.gap:
            yield from self._resampled(None)
            self._resampler = None
        if sound.gap:
            yield from self._silence(sound.gap, is_last=sound.frame is None)
        if sound.frame:
            self._elapsed_s += seconds_of(sound.frame)
            yield from self._resampled(sound.frame)

    def _silence(self, gap: Gap, *, is_last: bool) -> Iterator[Piece]:
        """In place of what is missing; behind the last frame nothing has to keep its time."""
        lost = round(gap.lost_s * SAMPLE_RATE)
        if not is_last:
            self._elapsed_s += gap.fill_s
            until = round(self._elapsed_s * SAMPLE_RATE)
            while (size := min(until - self._samples, _PIECE_SAMPLES)) > 0:
                yield self._piece(np.zeros((self.channels, size), np.float32), min(size, lost))
                lost -= min(size, lost)
        if lost:
            yield self._piece(np.zeros((self.channels, 0), np.float32), lost)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[Piece]:
        if frame and not self._resampler:
            # packed: PyAV 18 crashes on planar frames of eight channels and more
            self._resampler = av.AudioResampler("flt", frame.layout, SAMPLE_RATE, _PIECE_SAMPLES)
        for resampled in self._resampler.resample(frame) if self._resampler else ():
            packed = resampled.to_ndarray().astype(np.float32, copy=False)
            planes = packed.reshape(-1, len(resampled.layout.channels)).T
            yield self._piece(planes, self._silence_noise(planes))

    def _silence_noise(self, planes: Planes) -> int:
        """Make silence of what no encoder was given; return of how many samples.

        Raises:
            UndecodableAudio: PCM with a NaN, which would spoil all that a model makes of it.
        """
        if self._is_pcm:
            if not np.isfinite(planes).all():
                raise UndecodableAudio("some of its samples are no numbers (NaN or infinite)")
            return 0
        if np.abs(planes).max(initial=0.0) <= _LOUDEST:  # false for a NaN, too
            return 0
        noise = ~(np.abs(planes) <= _LOUDEST).all(axis=0)
        planes[:, noise] = 0
        return int(noise.sum())

    def _piece(self, planes: Planes, lost: int = 0) -> Piece:
        self._samples += planes.shape[1]
        return Piece(planes, self._rate, lost)
