"""Limits the CPU time that a decoder process spends on one file.

The kernel ends the process with SIGXCPU, also in a loop of FFmpeg's that never returns to Python.
"""

import math
import resource
import time
from collections.abc import Iterable, Iterator

from funasr_fleet.worker.audio.decoding.resampling import AudioPiece
from funasr_fleet.worker.text.spans import SAMPLE_RATE

BASE_S = 10.0
PER_MB_S = 2.0
PER_AUDIO_S = 0.5
"""CPU time for each decoded second of a channel. Undamaged files of 13 formats took at most 0.011 s
in all, on a slow core: at 384 kHz."""
_MB = 1_000_000

LIMIT_TEXT = (
    f"{BASE_S:g} s, {PER_MB_S:g} s per MB of the file and {PER_AUDIO_S:g} s per decoded second of "
    "each channel"
)
"""The limit in an error message."""


class CpuLimit:
    """The limit for one file, counted from now on."""

    def __init__(self, size_bytes: int) -> None:
        self._most_s = time.process_time() + BASE_S + PER_MB_S * size_bytes / _MB
        self._applied_s = 0
        self._apply()

    def extend(self, pieces: Iterable[AudioPiece]) -> Iterator[AudioPiece]:
        """The pieces; each raises the limit by its duration."""
        for piece in pieces:
            self._most_s += PER_AUDIO_S * piece.planes.size / SAMPLE_RATE
            self._apply()
            yield piece

    def lift(self) -> None:
        """Remove the limit: the file is decoded."""
        _set_limit(resource.RLIM_INFINITY)

    def _apply(self) -> None:
        whole_s = math.ceil(self._most_s)  # the kernel counts whole seconds
        if whole_s > self._applied_s:
            self._applied_s = whole_s
            _set_limit(whole_s)


def _set_limit(wanted: int) -> None:
    """Set the soft limit, at most to the hard one that this process was started with."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    known = [one for one in (wanted, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_CPU, (min(known, default=resource.RLIM_INFINITY), hard))
