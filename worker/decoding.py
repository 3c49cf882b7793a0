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

_KNOWS_ITS_LENGTH = {"w64", "aiff", "au", "flac", "mov", "matroska", "webm"}
"""Containers that say how long they are; FFmpeg guesses for the others, from the bit rate."""

_HEAD_BYTES = 1 << 16
_STREAMED_FROM = 0x7FFFF000
"""Sizes from here on stand for "not known yet": WAV writers that cannot go back put them."""

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
            return _decode(container, head, max_audio_s)
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
    if 0 < announced < _STREAMED_FROM and missing > _LOST_SHARE * announced:
        raise UndecodableAudio(f"the file is cut off: {missing} of {announced} bytes are missing")


def _mp3_seconds(head: bytes, rate: int) -> float | None:
    """Length by the frame count that encoders put in front (Xing, Info); None without one.

    FFmpeg's own number is a guess by bit rate when there is none, or when anything follows.
    """
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:  # its text may hold any word; 7 bits a byte
        start = 10 + sum(byte << (7 * place) for place, byte in enumerate(head[9:5:-1]))
    first = head[start : start + 256]
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or not first[at + 7] & 1:
        return None
    samples_per_frame = 1152 if rate >= 32_000 else 576  # MPEG 1, MPEG 2 and 2.5
    return int.from_bytes(first[at + 8 : at + 12], "big") * samples_per_frame / rate


def _decode(container: InputContainer, head: bytes, max_audio_s: float) -> Audio:
    if not container.streams.audio:
        raise UndecodableAudio("the file holds no audio stream")
    stream = container.streams.audio[0]
    declared_s = _declared_seconds(container, stream, head)
    if declared_s and declared_s > max_audio_s:
        raise AudioTooLong(f"{declared_s:.0f} s of audio, more than {max_audio_s:.0f} s")
    blocks, length, end_s = [], 0, 0.0
    for block, block_end_s in _resampled(container):
        length, end_s = length + block.shape[1], max(end_s, block_end_s)
        if length > max_audio_s * SAMPLE_RATE:
            raise AudioTooLong(f"more than {max_audio_s:.0f} s of audio")
        blocks.append(block)
    _check_length(length, end_s, declared_s)
    planes = np.concatenate(blocks, axis=1)
    return Audio(planes=planes, source_rate=stream.codec_context.sample_rate)


def _declared_seconds(
    container: InputContainer, stream: av.AudioStream, head: bytes
) -> float | None:
    if container.format.name == "mp3":
        return _mp3_seconds(head, stream.codec_context.sample_rate)
    if _KNOWS_ITS_LENGTH.isdisjoint(container.format.name.split(",")):
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.streams.video or not container.duration:
        return None  # the whole may last longer than its sound
    return float(container.duration / av.time_base)


def _resampled(container: InputContainer) -> Iterator[tuple[NDArray[np.float32], float]]:
    """Blocks of shape (channels, samples), every channel kept; and where each ends in s.

    Damage ends the audio; whether too much is missing then, its length tells.
    """
    resampler: av.AudioResampler | None = None
    frames = container.decode(audio=0)
    end_s = 0.0
    while (frame := _next_frame(frames, begun=resampler is not None)) is not None:
        if resampler is None:
            # packed: PyAV 18 crashes on planar frames of eight channels and more
            resampler = av.AudioResampler("flt", frame.layout, SAMPLE_RATE)
        end_s = max(end_s, (frame.time or 0.0) + frame.samples / frame.sample_rate)
        for block in _blocks(resampler, frame):
            yield block, end_s
    for block in _blocks(resampler, None) if resampler else ():
        yield block, end_s


def _next_frame(frames: Iterator[AudioFrame], *, begun: bool) -> AudioFrame | None:
    try:
        return next(frames, None)
    except av.InvalidDataError:
        if not begun:
            raise
        return None


def _blocks(
    resampler: av.AudioResampler, frame: AudioFrame | None
) -> Iterator[NDArray[np.float32]]:
    for resampled in resampler.resample(frame):
        packed = resampled.to_ndarray().astype(np.float32, copy=False)
        yield packed.reshape(-1, len(resampled.layout.channels)).T


def _check_length(length: int, end_s: float, declared_s: float | None) -> None:
    if length < MIN_SAMPLES:
        what = f"{length / SAMPLES_PER_MS:.0f} ms of audio"
        raise AudioTooShort(f"{what}; at least {MIN_SAMPLES // SAMPLES_PER_MS} ms are needed")
    if declared_s is None:
        return
    # recordings may begin late or pause: the last frame's place counts, not their sum
    lost_s = declared_s - max(end_s, length / SAMPLE_RATE)
    if lost_s > max(_LOST_S, _LOST_SHARE * declared_s):
        raise UndecodableAudio(
            f"the file ends {lost_s:.1f} s before the {declared_s:.1f} s that it announces"
        )
