"""Any audio that FFmpeg reads -> 16 kHz samples, by PyAV, outside FunASR."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from worker.failures import AudioTooLong, AudioTooShort, UndecodableAudio
from worker.planning.spans import SAMPLE_RATE, SAMPLES_PER_MS

MIN_SAMPLES = SAMPLE_RATE // 40
"""25 ms: one analysis window. FunASR's VAD divides by zero below it."""

_KNOWS_ITS_LENGTH = {"w64", "aiff", "caf", "au", "flac", "ogg", "mov", "matroska", "webm", "asf"}
"""Containers that say how long they are; FFmpeg guesses for the others, from the bit rate."""

_HEAD_BYTES = 1 << 16
_STREAMED = (0, 0xFFFFFFFF)
"""What a WAV writer puts for a size that it does not know yet."""

_LOST_S = 1.0
_LOST_SHARE = 0.1
"""A file that ends this much before its header says was cut off on its way."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Decoded audio."""

    planes: NDArray[np.float32]
    """Shape (channels, samples), 16 kHz."""
    source_rate: int
    """Samples per second in the file, in Hz."""

    @property
    def channels(self) -> int:
        """How many channels the file has."""
        return int(self.planes.shape[0])

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return int(self.planes.shape[1]) // SAMPLES_PER_MS

    def samples(self, channel: int | None) -> NDArray[np.float32]:
        """One channel, or the mean of all; shape (samples,).

        Raises:
            UndecodableAudio: when there is no such channel.
        """
        if channel is None:
            mixed: NDArray[np.float32] = np.mean(self.planes, axis=0, dtype=np.float32)
            return mixed
        if channel >= self.channels:
            raise UndecodableAudio(f"there is no channel {channel}: the file has {self.channels}")
        return np.ascontiguousarray(self.planes[channel])


def decode_file(file: BinaryIO, max_audio_s: float = float("inf")) -> Audio:
    """Decode the first audio stream of a file.

    Raises:
        UndecodableAudio: no audio, damaged, or cut off.
        AudioTooShort: less than 25 ms.
        AudioTooLong: more than max_audio_s.
    """
    head = file.read(_HEAD_BYTES)
    _check_riff(head, file.seek(0, os.SEEK_END))
    file.seek(0)
    try:
        with av.open(file, mode="r") as container:
            return _decode(container, _knows_its_length(container, head), max_audio_s)
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableAudio(f"FFmpeg cannot read it: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _check_riff(head: bytes, size_bytes: int) -> None:
    """FFmpeg takes the end of a WAV file for the end of its audio; the header knows better."""
    if head[:4] != b"RIFF" or len(head) < 8:
        return
    announced = int.from_bytes(head[4:8], "little")
    missing = announced + 8 - size_bytes
    if announced not in _STREAMED and missing > _LOST_SHARE * announced:
        raise UndecodableAudio(f"the file is cut off: {missing} of {announced} bytes are missing")


def _knows_its_length(container: InputContainer, head: bytes) -> bool:
    if container.format.name == "mp3":  # with the frame count that encoders put in front
        return b"Xing" in head or b"Info" in head
    return not _KNOWS_ITS_LENGTH.isdisjoint(container.format.name.split(","))


def _decode(container: InputContainer, knows_its_length: bool, max_audio_s: float) -> Audio:
    if not container.streams.audio:
        raise UndecodableAudio("the file holds no audio stream")
    stream = container.streams.audio[0]
    declared_s = _declared_seconds(container, stream) if knows_its_length else None
    if declared_s and declared_s > max_audio_s:
        raise AudioTooLong(f"{declared_s:.0f} s of audio, more than {max_audio_s:.0f} s")
    blocks = []
    length = 0
    for block in _resampled(container):
        length += block.shape[1]
        if length > max_audio_s * SAMPLE_RATE:
            raise AudioTooLong(f"more than {max_audio_s:.0f} s of audio")
        blocks.append(block)
    _check_length(length, declared_s)
    planes = np.concatenate(blocks, axis=1)
    return Audio(planes=planes, source_rate=stream.codec_context.sample_rate)


def _declared_seconds(container: InputContainer, stream: av.AudioStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _resampled(container: InputContainer) -> Iterator[NDArray[np.float32]]:
    """Blocks of shape (channels, samples), every channel kept."""
    resampler: av.AudioResampler | None = None
    for frame in container.decode(audio=0):
        if resampler is None:
            # packed: PyAV 18 crashes on planar frames of eight channels and more
            resampler = av.AudioResampler("flt", frame.layout, SAMPLE_RATE)
        yield from _blocks(resampler, frame)
    if resampler:
        yield from _blocks(resampler, None)


def _blocks(
    resampler: av.AudioResampler, frame: AudioFrame | None
) -> Iterator[NDArray[np.float32]]:
    for resampled in resampler.resample(frame):
        packed = resampled.to_ndarray().astype(np.float32, copy=False)
        yield packed.reshape(-1, len(resampled.layout.channels)).T


def _check_length(length: int, declared_s: float | None) -> None:
    if length < MIN_SAMPLES:
        what = f"{length / SAMPLES_PER_MS:.0f} ms of audio"
        raise AudioTooShort(f"{what}; at least {MIN_SAMPLES // SAMPLES_PER_MS} ms are needed")
    if declared_s is None:
        return
    lost_s = declared_s - length / SAMPLE_RATE
    if lost_s > max(_LOST_S, _LOST_SHARE * declared_s):
        raise UndecodableAudio(
            f"the file ends {lost_s:.1f} s before the {declared_s:.1f} s that it announces"
        )
