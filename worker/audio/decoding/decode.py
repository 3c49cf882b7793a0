"""Decodes any allowed audio format to 16 kHz samples with PyAV, without FunASR."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from funasr_fleet.worker.audio.decoding.appended_file import appended_seconds
from funasr_fleet.worker.audio.decoding.damage import (
    GappedFrame,
    frames_with_gaps,
)
from funasr_fleet.worker.audio.decoding.declared_duration import (
    declared_seconds,
)
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.file_end import Decoded, missing_at_the_end
from funasr_fleet.worker.audio.decoding.input_checks import (
    UNLIMITED,
    Limits,
    container_options,
    deny_external_io,
    reject_playlists,
)
from funasr_fleet.worker.audio.decoding.joined_amr import without_inner_headers
from funasr_fleet.worker.audio.decoding.mixing import choose_channel
from funasr_fleet.worker.audio.decoding.resampling import (
    AudioPiece,
    Planes,
    Resampler,
    without_odd_frames,
)
from funasr_fleet.worker.audio.decoding.tracks import choose_track
from funasr_fleet.worker.errors import DecoderOutOfMemory, FileFailure, UndecodableAudio
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS

__all__ = ["Audio", "AudioPiece", "Planes", "decode_file", "decode_pieces"]

_HEAD_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 18
"""FFmpeg's input buffer; each refill calls back into Python."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    """A whole decoded file."""

    planes: Planes
    source_rate: int
    lost_ms: int = 0
    """Lost audio in ms. Missing audio is replaced with silence, except at the end of the file."""

    @property
    def channels(self) -> int:
        """Number of channels in the file."""
        return int(self.planes.shape[0])

    @property
    def duration_ms(self) -> int:
        """Duration in ms."""
        return int(self.planes.shape[1]) // SAMPLES_PER_MS

    def samples(self, channel: int | None) -> NDArray[np.float32]:
        """One channel, or the mix of all; shape (samples,)."""
        return choose_channel(self.planes, channel).samples


def decode_file(file: BinaryIO, limits: Limits = UNLIMITED) -> Audio:
    """Decode a whole file. Raises as decode_pieces does."""
    pieces = list(decode_pieces(file, limits))
    planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    lost = sum(piece.lost for piece in pieces)
    return Audio(planes=planes, source_rate=pieces[0].source_rate, lost_ms=lost // SAMPLES_PER_MS)


def decode_pieces(
    file: BinaryIO,
    limits: Limits = UNLIMITED,
    touch: Callable[[], None] = lambda: None,
    track: int | None = None,
) -> Iterator[AudioPiece]:
    """Decode one audio track of a file, see choose_track; yield at least one piece.

    Only this file is read, even if it refers to others. Packets that cannot be decoded are skipped;
    their length is in `lost` of the pieces.

    Args:
        file: the fetched file.
        limits: limits on channels, sample rate, duration and decoded size.
        touch: called at every read and at every packet that cannot be decoded: much of a file may
            be read before the first piece.
        track: the requested track, counted from 0; None for the one that choose_track finds.

    Raises:
        UndecodableAudio: the file has no audio or no such track, nothing can be decoded, it is a
            playlist, it has too many channels, its sample rate is out of range, or FFmpeg raised
            another error, including OSError.
        DecoderOutOfMemory: an allocation failed.
        AudioTooShort: less than 25 ms of audio.
        AudioTooLong: the duration or the decoded size exceeds its limit.
        OSError: the disk failed; the file is not at fault.
    """
    source = DecoderInput(file, touch)
    head = source.read_at(0, _HEAD_BYTES)
    if not head:
        raise UndecodableAudio("the file is empty (0 bytes)")
    reject_playlists(head)
    inputs = [source]

    def reopen() -> InputContainer:
        inputs.append(DecoderInput(visible, touch))
        return _open(inputs[-1])

    try:
        visible = without_inner_headers(file, source)
        source = DecoderInput(visible, touch)
        inputs.append(source)
        with _open(source) as container:
            chosen = choose_track(container, track, reopen)
            yield from _decode(container, source, limits, chosen)
    except FileFailure:
        _raise_disk_error(inputs)
        raise
    except MemoryError as error:
        raise DecoderOutOfMemory("decoding it takes too much memory") from error
    except Exception as error:
        _raise_disk_error(inputs)
        raise UndecodableAudio(f"FFmpeg cannot read it: {_reason(error)}") from error
    _raise_disk_error(inputs)


def _raise_disk_error(inputs: Iterable[DecoderInput]) -> None:
    """Raise a disk error that FFmpeg took for the end of the file, or for damage."""
    for source in inputs:
        if source.disk_error:
            raise source.disk_error


def _open(source: DecoderInput) -> InputContainer:
    container: InputContainer
    try:
        container = av.open(
            source,
            mode="r",
            container_options=container_options(),
            io_open=deny_external_io,
            buffer_size=_BUFFER_BYTES,
            metadata_errors="replace",  # titles in other encodings, or damaged
        )
    except av.ArgumentError as error:  # raised for a format that is not in format_whitelist
        raise UndecodableAudio(
            "the file format is not a supported audio or video format"
        ) from error
    return container


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _decode(
    container: InputContainer, source: DecoderInput, limits: Limits, track: int | None
) -> Iterator[AudioPiece]:
    if not container.streams.audio:
        raise UndecodableAudio("the file contains no audio stream")
    stream = container.streams.audio[track or 0]
    codec = stream.codec_context
    if codec is None:
        raise UndecodableAudio("FFmpeg has no decoder for the file's audio stream")
    limits.check_channels(codec.channels)
    if codec.sample_rate:  # 0 if only the frames state it
        limits.check_rate(codec.sample_rate, codec.name)
    decoded = Decoded(declared_s=declared_seconds(container, stream, source))
    limits.check_declared(decoded.declared_s or 0.0, codec.channels, source.size_bytes)
    resampler = Resampler(codec.sample_rate, codec.name, track)
    frames = frames_with_gaps(container, stream, source, decoded.read)
    for gapped in without_odd_frames(
        frames, lambda frame: limits.allow(frame.sample_rate, codec.name, frame.layout.nb_channels)
    ):
        frame, is_complete = gapped.frame, False
        if frame is None:
            decoded.appended_s = appended_seconds(source, decoded.read.decoded_at, _open)
            # what follows the declared end, or belongs to another file, is not damaged audio;
            # frames that were decoded, but whose format is not allowed, are in fill_s
            is_all_there = decoded.is_all_there and gapped.gap.fill_s < 1.0
            is_complete = is_all_there or decoded.appended_s is not None
            decoded.end_gap_s = 0.0 if is_complete else gapped.gap.lost_s
        else:
            if not resampler.channels:  # they may differ from the header
                limits.check_rate(frame.sample_rate, codec.name)
                limits.check_channels(frame.layout.nb_channels)
            decoded.end_s = max(decoded.end_s, (frame.time or 0.0) + gapped.seconds)
        for piece in resampler.pieces(GappedFrame(None) if is_complete else gapped):
            decoded.samples += piece.planes.shape[1]
            limits.check_decoded(decoded.samples, len(piece.planes))
            yield piece
    resampler.check_samples()
    missing = missing_at_the_end(container, stream, source, decoded)
    if missing.unread_s:
        yield resampler.end_piece(missing.unread_s)
    if missing.cut_off_s:
        yield resampler.end_piece(missing.cut_off_s, is_truncated=True)
