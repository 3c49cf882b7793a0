"""Frames of any format, and the gaps between them -> pieces of 16 kHz samples."""

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from funasr_fleet.worker.audio.damage import Gap, GappedFrame, seconds_of
from funasr_fleet.worker.audio.damage.gaps import NO_GAP
from funasr_fleet.worker.errors import UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE

Planes = NDArray[np.float32]
"""Samples at 16 kHz, shape (channels, samples)."""

_MAX_ODD_FRAMES = 10
"""A longer run of frames of another format is not damage: the format has changed."""

_MAX_AMPLITUDE = 16.0
"""Full scale is 1; larger samples are noise, decoded from a damaged packet."""
_PIECE_SAMPLES = SAMPLE_RATE
"""FFmpeg collects frames into pieces of 1 s: 1.5 times as fast as pieces of 64 ms."""

FrameFormat = tuple[str, str, int]


def without_odd_frames(frames: Iterator[GappedFrame]) -> Iterator[GappedFrame]:
    """Drop isolated frames of another format, rate or layout, and count them as lost audio.

    Raises:
        UndecodableAudio: the format changes permanently.
    """
    usual: FrameFormat | None = None
    odd: FrameFormat | None = None
    count, gap = 0, NO_GAP
    for gapped in frames:
        if gapped.gap:
            gap += gapped.gap
        if gapped.frame is None:
            yield GappedFrame(None, gap)
            return
        current = _format(gapped.frame)
        if usual in (None, current):
            yield GappedFrame(gapped.frame, gap) if gap else gapped
            usual, odd, gap = current, None, NO_GAP
            continue
        count, odd = count + 1 if current == odd else 1, current
        gap += Gap(fill_s=seconds_of(gapped.frame), lost_s=seconds_of(gapped.frame))
        if count > _MAX_ODD_FRAMES:
            raise UndecodableAudio(
                f"the audio format changes from {_describe(usual)} to {_describe(current)}"
            )


def _format(frame: AudioFrame) -> FrameFormat:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _describe(format_: FrameFormat | None) -> str:
    return f"{format_[2]} Hz {format_[1]}" if format_ else "nothing"


@dataclass(frozen=True)
class AudioPiece:
    """Consecutive samples of a file."""

    planes: Planes
    source_rate: int
    """Samples per second in the file, in Hz."""
    lost: int = 0
    """Number of lost samples from the start of this piece, whether or not silence replaces them."""


class Resampler:
    """Resamples one stream to 16 kHz, keeping all channels; all frames must have one format."""

    def __init__(self, source_rate: int, codec: str) -> None:
        """Take the file's declared sample rate in Hz, and FFmpeg's name of its codec."""
        self._rate = source_rate
        self._is_pcm = codec.startswith("pcm_")
        self._resampler: av.AudioResampler | None = None
        self.channels = 0
        """Number of channels; 0 before the first frame."""
        self._elapsed_s = 0.0
        """Duration of the input, including the silence that replaces missing audio."""
        self._samples = 0
        """Samples of the output."""

    def pieces(self, gapped: GappedFrame) -> Iterator[AudioPiece]:
        """Yield the samples available after this frame; at the end of the file, all the rest."""
        if gapped.frame and not self.channels:
            self.channels = gapped.frame.layout.nb_channels
        if gapped.frame is None or gapped.gap:
            yield from self._resampled(None)
            self._resampler = None
        if gapped.gap:
            yield from self._silence(gapped.gap, is_last=gapped.frame is None)
        if gapped.frame:
            self._elapsed_s += seconds_of(gapped.frame)
            yield from self._resampled(gapped.frame)

    def _silence(self, gap: Gap, *, is_last: bool) -> Iterator[AudioPiece]:
        """Silence in place of missing audio; none after the last frame, as no audio follows."""
        lost = round(gap.lost_s * SAMPLE_RATE)
        if not is_last:
            self._elapsed_s += gap.fill_s
            until = round(self._elapsed_s * SAMPLE_RATE)
            while (size := min(until - self._samples, _PIECE_SAMPLES)) > 0:
                yield self._piece(np.zeros((self.channels, size), np.float32), min(size, lost))
                lost -= min(size, lost)
        if lost:
            yield self._piece(np.zeros((self.channels, 0), np.float32), lost)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[AudioPiece]:
        if frame and not self._resampler:
            # packed: PyAV 18 crashes on planar frames with 8 or more channels
            self._resampler = av.AudioResampler("flt", frame.layout, SAMPLE_RATE, _PIECE_SAMPLES)
        for resampled in self._resampler.resample(frame) if self._resampler else ():
            packed = resampled.to_ndarray().astype(np.float32, copy=False)
            planes = packed.reshape(-1, len(resampled.layout.channels)).T
            yield self._piece(planes, self._silence_noise(planes))

    def _silence_noise(self, planes: Planes) -> int:
        """Silence all channels wherever one is too large or not finite; return how many samples.

        Raises:
            UndecodableAudio: PCM contains NaN or infinity, which would invalidate all model output.
        """
        if self._is_pcm:
            if not np.isfinite(planes).all():
                raise UndecodableAudio(
                    "the file contains samples that are not numbers (NaN or infinite)"
                )
            return 0
        if np.abs(planes).max(initial=0.0) <= _MAX_AMPLITUDE:  # also false for NaN
            return 0
        noise = ~(np.abs(planes) <= _MAX_AMPLITUDE).all(axis=0)
        planes[:, noise] = 0
        return int(noise.sum())

    def _piece(self, planes: Planes, lost: int = 0) -> AudioPiece:
        self._samples += planes.shape[1]
        return AudioPiece(planes, self._rate, lost)
