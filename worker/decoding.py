"""Any audio that FFmpeg reads -> 16 kHz samples, by PyAV, outside FunASR."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from worker.audio_length import check_length, check_riff, declared_seconds
from worker.decoder_input import DecoderInput
from worker.failures import FileFailure, UndecodableAudio
from worker.formats import container_options, open_nothing, refuse_lists
from worker.limits import UNLIMITED, Limits, check_rate
from worker.planning.spans import SAMPLE_RATE, SAMPLES_PER_MS

Planes = NDArray[np.float32]
"""Samples at 16 kHz, shape (channels, samples)."""

_HEAD_BYTES = 1 << 16
_PIECE_SAMPLES = SAMPLE_RATE
"""FFmpeg gathers its frames into pieces of a second: 1.5 times as fast as taking each of 64 ms."""


@dataclass(frozen=True)
class Piece:
    """The next few samples of a file."""

    planes: Planes
    source_rate: int
    """Samples per second in the file, in Hz."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    """A whole file, decoded."""

    planes: Planes
    source_rate: int

    @property
    def channels(self) -> int:
        """How many channels the file has."""
        return int(self.planes.shape[0])

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return int(self.planes.shape[1]) // SAMPLES_PER_MS

    def samples(self, channel: int | None) -> NDArray[np.float32]:
        """One channel, or the mean of all; shape (samples,)."""
        return choose_channel(self.planes, channel)


def choose_channel(planes: Planes, channel: int | None) -> NDArray[np.float32]:
    """One channel, or the mean of all; shape (samples,).

    Raises:
        UndecodableAudio: when there is no such channel.
    """
    if channel is None:
        mixed: NDArray[np.float32] = np.mean(planes, axis=0, dtype=np.float32)
        return mixed
    if channel >= len(planes):
        raise UndecodableAudio(f"there is no channel {channel}: the file has {len(planes)}")
    return np.ascontiguousarray(planes[channel])


def decode_file(file: BinaryIO, limits: Limits = UNLIMITED) -> Audio:
    """Decode the first audio stream of a file, all of it at once. Raises as decode_pieces does."""
    pieces = list(decode_pieces(file, limits))
    planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    return Audio(planes=planes, source_rate=pieces[0].source_rate)


def decode_pieces(file: BinaryIO, limits: Limits = UNLIMITED) -> Iterator[Piece]:
    """Decode the first audio stream of a file, frame by frame; at least one piece.

    Nothing but the bytes of this file is read, whatever else it names.

    Raises:
        UndecodableAudio: no audio, damaged, or cut off; the last one is known only at the end.
            Or a list of other files, or more channels or another sample rate than are allowed.
            Whatever else FFmpeg raises over its bytes, be it an OSError or a MemoryError.
        AudioTooShort: less than 25 ms.
        AudioTooLong: longer, or larger once decoded, than is allowed.
        OSError: the disk failed; the file is not to blame.
    """
    source = DecoderInput(file)
    head = source.read_at(0, _HEAD_BYTES)
    refuse_lists(head)
    check_riff(head, source.size_bytes)
    try:
        with _open(source) as container:
            yield from _decode(container, head, limits)
    except FileFailure:
        _raise_disk_error(source)
        raise
    except Exception as error:
        _raise_disk_error(source)
        raise UndecodableAudio(f"FFmpeg cannot read it: {_reason(error)}") from error
    _raise_disk_error(source)


def _raise_disk_error(source: DecoderInput) -> None:
    """FFmpeg takes bytes that cannot be read for the end of the file, or for damage."""
    if source.disk_error:
        raise source.disk_error


def _open(source: DecoderInput) -> InputContainer:
    container: InputContainer
    try:
        container = av.open(
            source, mode="r", container_options=container_options(), io_open=open_nothing
        )
    except av.ArgumentError as error:  # so FFmpeg says that a format is not on its list
        raise UndecodableAudio("its format is none of the audio and video formats taken") from error
    return container


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _decode(container: InputContainer, head: bytes, limits: Limits) -> Iterator[Piece]:
    if not container.streams.audio:
        raise UndecodableAudio("the file holds no audio stream")
    codec = container.streams.audio[0].codec_context
    if codec is None:
        raise UndecodableAudio("FFmpeg has no decoder for its audio stream")
    limits.check_channels(codec.channels)
    if codec.sample_rate:  # some say it only in their frames
        check_rate(codec.sample_rate)
    declared_s = declared_seconds(container, head)
    limits.check_declared(declared_s or 0.0, codec.channels)
    rate = codec.sample_rate
    length, end_s = 0, 0.0
    for planes, planes_end_s in _resampled(container, limits):
        length, end_s = length + planes.shape[1], max(end_s, planes_end_s)
        limits.check_decoded(length, len(planes))
        yield Piece(planes, rate)
    check_length(length, end_s, declared_s)


def _resampled(container: InputContainer, limits: Limits) -> Iterator[tuple[Planes, float]]:
    """Samples, every channel kept; and where they end in s.

    Damage ends the audio; whether too much is missing then, its length tells.
    """
    resampler: av.AudioResampler | None = None
    frames = container.decode(audio=0)
    end_s = 0.0
    while (frame := _next_frame(frames, begun=resampler is not None)) is not None:
        check_rate(frame.sample_rate)
        if resampler is None:
            limits.check_channels(len(frame.layout.channels))  # the header may have said less
            # packed: PyAV 18 crashes on planar frames of eight channels and more
            resampler = av.AudioResampler("flt", frame.layout, SAMPLE_RATE, _PIECE_SAMPLES)
        end_s = max(end_s, (frame.time or 0.0) + frame.samples / frame.sample_rate)
        for planes in _planes(resampler, frame):
            yield planes, end_s
    for planes in _planes(resampler, None) if resampler else ():
        yield planes, end_s


def _next_frame(frames: Iterator[AudioFrame], *, begun: bool) -> AudioFrame | None:
    try:
        return next(frames, None)
    except av.InvalidDataError:
        if not begun:
            raise
        return None


def _planes(resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[Planes]:
    for resampled in resampler.resample(frame):
        packed = resampled.to_ndarray().astype(np.float32, copy=False)
        if not np.isfinite(packed).all():  # one of them would spoil all that a model makes of it
            raise UndecodableAudio("some of its samples are no numbers (NaN or infinite)")
        yield packed.reshape(-1, len(resampled.layout.channels)).T
