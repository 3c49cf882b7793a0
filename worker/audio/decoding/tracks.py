"""Chooses the audio track of a file that has several."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from funasr_fleet.worker.errors import UndecodableAudio

_SOUND = 1e-3
"""Amplitude from which on a track is not silent: -60 dB of full scale."""

_UNREADABLE_PLANES = 8
"""PyAV 18 crashes when it reads the samples of a planar frame with this many channels or more."""

_MAX_ERRORS = 1000
"""After so many errors in a row, the rest of a track counts as silent."""


def choose_track(
    container: InputContainer, wanted: int | None, reopen: Callable[[], InputContainer]
) -> int | None:
    """Choose the requested track.

    If none was requested, choose the default track, else the first. If it is silent, choose the
    first track with sound.

    Args:
        container: the opened file.
        wanted: the position of the requested track; None if none was requested.
        reopen: opens the file once more, independently.

    Returns:
        The position of the chosen track among the audio tracks, from 0; None if the file has fewer
        than two.

    Raises:
        UndecodableAudio: the requested track does not exist.
    """
    tracks = container.streams.audio[: _count(container, reopen)]
    if wanted is not None and wanted >= len(tracks) > 0:
        raise UndecodableAudio(
            f"there is no audio track {wanted}: the file has {len(tracks)} audio "
            f"track{'s' if len(tracks) > 1 else ''}, counted from 0"
        )
    if len(tracks) < 2:
        return None
    if wanted is not None:
        return wanted
    in_order = sorted(
        (n for n, track in enumerate(tracks) if track.codec_context is not None),
        key=lambda n: not tracks[n].disposition & Disposition.default,
    )
    return next((n for n in in_order if _has_sound(reopen, n)), (in_order or [0])[0])


def _count(container: InputContainer, reopen: Callable[[], InputContainer]) -> int:
    """Number of audio tracks; in Matroska, up to the last one with a packet.

    If the headers of a Matroska file are damaged, FFmpeg reads them twice, and each track appears
    once more, without packets.
    """
    count = len(container.streams.audio)
    if count < 2 or "matroska" not in container.format.name.split(","):
        return count
    with closing(reopen()) as again:
        numbers = {track.index: number for number, track in enumerate(again.streams.audio)}
        last = 0
        for packet in _packets(again):
            last = max(last, numbers.get(packet.stream.index, 0) if packet.size else 0)
            if last == count - 1:
                break
    return last + 1


def _has_sound(reopen: Callable[[], InputContainer], number: int) -> bool:
    with closing(reopen()) as container:
        track, errors, packed = container.streams.audio[number], 0, _Packed()
        for packet in _packets(container, track):
            try:
                for frame in cast("Packet[AudioStream]", packet).decode():
                    if any(map(is_sound, packed.frames(frame))):
                        return True
                errors = 0
            except av.FFmpegError:
                errors += 1
            if errors > _MAX_ERRORS:
                break
        return False


def _packets(container: InputContainer, *tracks: AudioStream) -> Iterator["Packet[Stream]"]:
    """The packets of some tracks, or of all streams; errors of the demuxer are skipped."""
    packets, errors = container.demux(*tracks), 0
    while errors < _MAX_ERRORS:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            packets, errors = container.demux(*tracks), errors + 1
            continue
        except IndexError:  # raised after the last packet, if a stream began in mid-file
            return
        if packet is None:
            return
        errors = 0
        yield packet


class _Packed:
    """Converts frames with too many planes for PyAV to packed samples."""

    def __init__(self) -> None:
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None

    def frames(self, frame: AudioFrame) -> list[AudioFrame]:
        """The samples of a frame in frames that can be read."""
        if frame.layout.nb_channels < _UNREADABLE_PLANES or not frame.format.is_planar:
            return [frame]
        current = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or current != self._format:
            self._resampler = av.AudioResampler(frame.format.packed.name)
            self._format = current
        readable: list[AudioFrame] = self._resampler.resample(frame)
        return readable


def is_sound(frame: AudioFrame) -> bool:
    """Whether any sample of a frame is louder than silence."""
    if not frame.samples:
        return False
    samples = frame.to_ndarray()
    low, high = float(samples.min()), float(samples.max())
    if np.issubdtype(samples.dtype, np.integer):
        full = 2.0 ** (8 * samples.itemsize - 1)
        middle = full if np.issubdtype(samples.dtype, np.unsignedinteger) else 0.0
        low, high = (low - middle) / full, (high - middle) / full
    return max(-low, high) > _SOUND
