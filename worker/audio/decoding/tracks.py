"""Chooses the audio track of a file that has several."""

from collections.abc import Callable
from contextlib import closing

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Disposition

from funasr_fleet.worker.errors import UndecodableAudio

_SOUND = 1e-3
"""Amplitude from which on a track is not silent: -60 dB of full scale."""

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
    tracks = container.streams.audio
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


def _has_sound(reopen: Callable[[], InputContainer], number: int) -> bool:
    with closing(reopen()) as container:
        track, errors = container.streams.audio[number], 0
        packets = container.demux(track)
        while errors < _MAX_ERRORS:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                if any(map(is_sound, packet.decode())):
                    return True
                errors = 0
            except av.FFmpegError:
                packets, errors = container.demux(track), errors + 1
            except IndexError:  # raised after the last packet, if a stream began in mid-file
                break
        return False


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
