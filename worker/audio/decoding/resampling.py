"""Frames of any format, and the gaps between them -> pieces of 16 kHz samples."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from numpy.typing import NDArray

from funasr_fleet.worker.audio.decoding.damage import Gap, GappedFrame
from funasr_fleet.worker.audio.decoding.damage.evidence import NO_GAP
from funasr_fleet.worker.errors import UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLE_RATE

Planes = NDArray[np.float32]
"""Samples at 16 kHz, shape (channels, samples)."""

_MAX_ODD_FRAMES = 10
"""A longer run of frames of another format is not damage: the format has changed."""

_MAX_AMPLITUDE = 16.0
"""Full scale is 1; larger samples are noise, decoded from a damaged packet."""
_MAX_FLOAT = 2.0**31
"""_MAX_AMPLITUDE for float samples: some programs store 16-bit or 24-bit values as floats."""
_PIECE_SAMPLES = SAMPLE_RATE
"""Frames are collected into pieces of 1 s, before and after resampling: 1.5 times as fast as pieces
of 64 ms after it, and another 1.15 times for codecs with frames of 20 ms."""

FrameFormat = tuple[str, str, int]


def without_odd_frames(
    frames: Iterator[GappedFrame], is_allowed: Callable[[AudioFrame], bool]
) -> Iterator[GappedFrame]:
    """Drop isolated frames of another format, rate or layout, and count them as lost audio.

    A longer run of frames of one other format is kept if it is allowed: the format has changed.

    Args:
        frames: of one track.
        is_allowed: whether a frame has an allowed rate and number of channels.
    """
    usual: FrameFormat | None = None
    odd: list[GappedFrame] = []
    gap = NO_GAP
    """What is missing before the next frame that is kept, without the frames in `odd`."""
    for gapped in frames:
        current = _format(gapped.frame) if gapped.frame else None
        if gapped.frame is None or usual in (None, current):
            gap = _lost(odd, gap)
            yield gapped if gap is NO_GAP else gapped._replace(gap=gap + gapped.gap)
            usual, odd, gap = current, [], NO_GAP
            continue
        if odd and odd[-1].frame and _format(odd[-1].frame) != current:
            odd, gap = [], _lost(odd, gap)
        odd.append(gapped)
        if len(odd) <= _MAX_ODD_FRAMES:
            continue
        if not is_allowed(gapped.frame):
            odd, gap = [], _lost(odd, gap)
        else:
            yield odd[0]._replace(gap=gap + odd[0].gap, is_new_format=True)
            yield from odd[1:]
            usual, odd, gap = current, [], NO_GAP


def _lost(odd: Sequence[GappedFrame], before: Gap) -> Gap:
    """The gap that these frames leave when they are dropped, after another gap."""
    gap = before
    for one in odd:
        gap += one.gap + Gap(fill_s=one.seconds, lost_s=one.seconds)
    return gap


def _format(frame: AudioFrame) -> FrameFormat:
    return frame.format.name, frame.layout.name, frame.sample_rate


@dataclass(frozen=True)
class AudioPiece:
    """Consecutive samples of a file."""

    planes: Planes
    source_rate: int
    """Samples per second in the file, in Hz."""
    lost: int = 0
    """Number of lost samples from the start of this piece, whether or not silence replaces them."""
    track: int | None = None
    """Position of the track among the audio tracks of the file; None if there are not several."""
    filled: int = 0
    """Samples of silence from the start of this piece, where the recording paused or began late."""
    is_new_format: bool = False
    """Whether the format, rate or layout has changed since the start of the file."""
    is_truncated: bool = False
    """Whether the file is truncated here; `lost` is the declared audio after this point."""
    is_gap_closed: bool = False
    """Whether a gap in the timestamps before this piece was too long to be filled."""


class Resampler:
    """Resamples one stream to 16 kHz, keeping the channels of its first frame."""

    def __init__(self, source_rate: int, codec: str, track: int | None = None) -> None:
        """Create a resampler for one track.

        Args:
            source_rate: the declared sample rate, in Hz; 0 if only the frames state it.
            codec: FFmpeg's name of the codec.
            track: see AudioPiece.
        """
        self._rate, self._track = source_rate, track
        self._is_integer = codec.startswith("pcm_") and not codec.startswith("pcm_f")
        self._most = _MAX_FLOAT if codec.startswith("pcm_f") else _MAX_AMPLITUDE
        """Largest valid amplitude; larger samples are noise from a damaged packet."""
        self._resampler: av.AudioResampler | None = None
        self._collected = av.AudioFifo()
        self._layout: AudioLayout | None = None
        self._is_new_format = False
        self.channels = 0
        """Number of channels; 0 before the first frame."""
        self._elapsed_s = 0.0
        """Duration of the input, including the silence that replaces missing audio."""
        self._samples = 0
        """Samples of the output."""
        self._noise = 0
        """Number of output samples that were noise, and are replaced by silence."""

    def pieces(self, gapped: GappedFrame) -> Iterable[AudioPiece]:
        """The samples available after this frame, maybe none; at the end of the file, the rest."""
        if gapped.frame and not self._rate:
            self._rate = gapped.frame.sample_rate
        if gapped.frame is None or gapped.gap is not NO_GAP or gapped.is_new_format:
            return self._pieces_around_gap(gapped)
        return self._resampled() if self._collect(gapped.frame, gapped.seconds) else ()

    def _pieces_around_gap(self, gapped: GappedFrame) -> Iterator[AudioPiece]:
        yield from self._rest()
        self._is_new_format |= gapped.is_new_format
        if gapped.frame and not self.channels:
            self.channels = gapped.frame.layout.nb_channels
        yield from self._silence(gapped.gap, is_last=gapped.frame is None)
        if gapped.frame and self._collect(gapped.frame, gapped.seconds):
            yield from self._resampled()

    def check_samples(self) -> None:
        """Raise UndecodableAudio if all samples so far were noise."""
        if 0 < self._samples == self._noise:
            raise UndecodableAudio(
                "the samples are not audio: they are too large or not finite numbers"
            )

    def end_piece(self, lost_s: float, *, is_truncated: bool = False) -> AudioPiece:
        """A piece without samples, for the audio that is missing at the end of the file."""
        nothing = np.zeros((self.channels, 0), np.float32)
        lost = round(lost_s * SAMPLE_RATE)
        return replace(self._piece(nothing, lost), is_truncated=is_truncated)

    def _silence(self, gap: Gap, *, is_last: bool) -> Iterator[AudioPiece]:
        """Silence in place of missing audio; none after the last frame, as no audio follows."""
        lost, filled = (round(seconds * SAMPLE_RATE) for seconds in (gap.lost_s, gap.pause_s))
        if not is_last:
            self._elapsed_s += gap.fill_s
            until = round(self._elapsed_s * SAMPLE_RATE)
            while (size := min(until - self._samples, _PIECE_SAMPLES)) > 0:
                silence = np.zeros((self.channels, size), np.float32)
                yield self._piece(silence, min(size, lost), min(size, filled))
                lost, filled = lost - min(size, lost), filled - min(size, filled)
        if lost or gap.is_closed:
            piece = self._piece(np.zeros((self.channels, 0), np.float32), lost)
            yield replace(piece, is_gap_closed=gap.is_closed)

    def _collect(self, frame: AudioFrame, seconds: float) -> bool:
        """Collect a frame; whether there is a second of audio to be resampled."""
        if self._resampler is None:
            self._layout = self._layout or frame.layout
            self.channels = self._layout.nb_channels
            # packed: PyAV 18 crashes on planar frames with 8 or more channels
            self._resampler = av.AudioResampler("flt", self._layout, SAMPLE_RATE, _PIECE_SAMPLES)
        self._elapsed_s += seconds
        frame.pts = None  # gaps are filled before
        self._collected.write(frame)
        return bool(self._collected.samples >= frame.sample_rate)

    def _rest(self) -> Iterator[AudioPiece]:
        """The samples of all frames so far; the next frame starts a new resampler."""
        if self._resampler:
            yield from self._resampled()
            yield from self._resampled(self._resampler.resample(None))
            self._resampler, self._collected = None, av.AudioFifo()

    def _resampled(self, frames: Sequence[AudioFrame] | None = None) -> Iterator[AudioPiece]:
        """Pieces of resampled frames; by default, those of the frames that were collected."""
        if frames is None:
            collected = self._collected.read()
            frames = self._resampler.resample(collected) if self._resampler and collected else ()
        for resampled in frames:
            packed = resampled.to_ndarray().astype(np.float32, copy=False)
            noise = self._silence_noise(packed.reshape(-1, self.channels))
            yield self._piece(packed.reshape(-1, self.channels).T, noise)

    def _silence_noise(self, samples: NDArray[np.float32]) -> int:
        """Silence all channels wherever one is too large or not finite; return how many samples.

        Args:
            samples: shape (samples, channels).
        """
        if self._is_integer:
            return 0
        if samples.min(initial=0) >= -self._most and samples.max(initial=0) <= self._most:
            return 0  # not for NaN
        noise = ~(np.abs(samples) <= self._most).all(axis=1)
        samples[noise] = 0
        self._noise += int(noise.sum())
        return int(noise.sum())

    def _piece(self, planes: Planes, lost: int = 0, filled: int = 0) -> AudioPiece:
        self._samples += planes.shape[1]
        return AudioPiece(planes, self._rate, lost, self._track, filled, self._is_new_format)
