"""Any audio that FFmpeg reads -> 16 kHz samples, by PyAV, outside FunASR."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from worker.audio_length import check_length, check_riff, declared_seconds, is_all_there
from worker.damage import Sound, seconds_of, sounds, without_odd_frames
from worker.decoder_input import DecoderInput
from worker.failures import FileFailure, UndecodableAudio
from worker.formats import container_options, open_nothing, refuse_lists
from worker.limits import UNLIMITED, Limits, check_rate
from worker.planning.spans import SAMPLES_PER_MS
from worker.resampling import Piece, Planes, Resampler

__all__ = ["Audio", "Piece", "Planes", "choose_channel", "decode_file", "decode_pieces", "no_beat"]

_HEAD_BYTES = 1 << 16


def no_beat() -> None:
    """For those who do not watch how decoding gets on."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    """A whole file, decoded."""

    planes: Planes
    source_rate: int
    lost_ms: int = 0
    """How much is missing: silence stands in its place, or nothing at the end."""

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
    lost = sum(piece.lost for piece in pieces)
    return Audio(planes=planes, source_rate=pieces[0].source_rate, lost_ms=lost // SAMPLES_PER_MS)


def decode_pieces(
    file: BinaryIO, limits: Limits = UNLIMITED, beat: Callable[[], None] = no_beat
) -> Iterator[Piece]:
    """Decode the first audio stream of a file, frame by frame; at least one piece.

    Nothing but the bytes of this file is read, whatever else it names. What cannot be decoded is
    passed over, and its length is in `lost` of the pieces.

    Args:
        file: the fetched bytes.
        limits: what the file may cost.
        beat: called whenever bytes are read and whenever a packet cannot be decoded: much of a
            file may be read before a piece comes.

    Raises:
        UndecodableAudio: no audio, nothing that decodes, or cut off; this is known only at the end.
            Or a list of other files, or more channels or another sample rate than are allowed.
            Whatever else FFmpeg raises over its bytes, be it an OSError or a MemoryError.
        AudioTooShort: less than 25 ms.
        AudioTooLong: longer, or larger once decoded, than is allowed.
        OSError: the disk failed; the file is not to blame.
    """
    source = DecoderInput(file, beat)
    head = source.read_at(0, _HEAD_BYTES)
    refuse_lists(head)
    check_riff(head, source.size_bytes)
    try:
        with _open(source) as container:
            yield from _decode(container, source, limits)
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


def _decode(container: InputContainer, source: DecoderInput, limits: Limits) -> Iterator[Piece]:
    if not container.streams.audio:
        raise UndecodableAudio("the file holds no audio stream")
    codec = container.streams.audio[0].codec_context
    if codec is None:
        raise UndecodableAudio("FFmpeg has no decoder for its audio stream")
    limits.check_channels(codec.channels)
    if codec.sample_rate:  # some say it only in their frames
        check_rate(codec.sample_rate)
    declared_s = declared_seconds(container, source.read_at(0, _HEAD_BYTES))
    limits.check_declared(declared_s or 0.0, codec.channels)
    resampler = Resampler(codec.sample_rate, codec.name)
    length, end_s = 0, 0.0
    for sound in without_odd_frames(sounds(container, source)):
        if sound.frame and not resampler.channels:  # the header may say something else
            check_rate(sound.frame.sample_rate)
            limits.check_channels(sound.frame.layout.nb_channels)
        if sound.frame:
            end_s = max(end_s, (sound.frame.time or 0.0) + seconds_of(sound.frame))
        is_junk = sound.frame is None and is_all_there(length, end_s, declared_s)
        for piece in resampler.pieces(Sound(None) if is_junk else sound):
            length += piece.planes.shape[1]
            limits.check_decoded(length, len(piece.planes))
            yield piece
    check_length(length, end_s, declared_s)
