"""FSMN-VAD's decisions per 10 ms, compiled: identical to those of FunASR's state machine.

FunASR (funasr/models/fsmn_vad_streaming/model.py, 1.4.16) iterates over frames in Python, with one
device synchronisation each. This module runs the same state machine over two arrays. It does not
track FunASR's sample buffer; the only part of it that affects decisions is `popped`, the first
frame at which a new segment may begin.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

SILENCE_SCHEDULE = np.array(
    [
        [10_000, 2000],
        [20_000, 1000],
        [30_000, 800],
        [40_000, 600],
        [50_000, 400],
        [60_000, 200],
        [math.inf, 100],
    ]
)
"""(ms of speech so far, ms of silence that end it): FunASR's DEFAULT_SILENCE_SCHEDULE."""

_SPEECH2SPEECH, _SPEECH2SIL, _SIL2SIL, _SIL2SPEECH = 0, 1, 2, 3

compiled = numba.njit(nogil=True, cache=True)


class VadRules(NamedTuple):
    """FunASR's VADXOptions in frames and ms."""

    frame_ms: int
    window: int
    """Length of the sliding window in which speech frames are counted, in frames."""
    speech_frames: int
    """Speech begins when the window has at least this many speech frames."""
    silence_frames: int
    """Speech ends when the window has at most this many speech frames."""
    latency: int
    """A segment begins this many frames before speech is detected."""
    lookahead: int
    """A segment continues this many frames after speech has ended."""
    extend: bool
    longest: float
    """Frames after which a segment is cut."""
    end_silence_ms: float
    """Silence that ends a segment when there is no schedule."""
    speech_to_silence_ms: float
    noise_threshold: float
    noise_ratio: float
    snr_threshold: float
    decibel_threshold: float
    noise_memory: float
    scheduled: bool
    """Whether the silence that ends a segment becomes shorter as speech continues."""
    chunk_ms: float
    """Length of FunASR's chunks; FunASR reads the schedule once per chunk."""


@compiled
def mark_speech(
    silence: NDArray[np.float32],
    decibels: NDArray[np.float64],
    noise: NDArray[np.float64],
    rules: VadRules,
) -> NDArray[np.int64]:
    """Classify frames: 1 for speech, 0 for silence.

    Args:
        silence: probability of silence per frame, shape (frames,).
        decibels: loudness per frame, shape (frames,).
        noise: the noise level in dB, shape (1,); updated in place and kept between calls.
        rules: thresholds.
    """
    marks = np.zeros(len(silence), np.int64)
    for frame in range(len(silence)):
        loudness = decibels[frame]
        if loudness < rules.decibel_threshold:
            continue
        quiet = silence[frame]
        noise_score = math.exp(math.log(quiet) * rules.noise_ratio) if quiet > 0 else 0.0
        if 1.0 - quiet >= noise_score + rules.noise_threshold:
            marks[frame] = loudness - noise[0] >= rules.snr_threshold
        elif noise[0] < -99.9:
            noise[0] = loudness
        else:
            noise[0] = (loudness + noise[0] * (rules.noise_memory - 1)) / rules.noise_memory
    return marks


@compiled
def _update_window(window: NDArray[np.int64], mark: int, rules: VadRules) -> int:
    """Add a mark to the sliding window and return the transition, such as _SIL2SPEECH.

    The window's last three cells hold its position, its sum, and whether speech has begun.
    """
    position = window[-3]
    window[-2] += mark - window[position]
    window[position] = mark
    window[-3] = (position + 1) % rules.window
    if window[-1] == 0:
        if window[-2] >= rules.speech_frames:
            window[-1] = 1
            return _SIL2SPEECH
        return _SIL2SIL
    if window[-2] <= rules.silence_frames:
        window[-1] = 0
        return _SPEECH2SIL
    return _SPEECH2SPEECH


@compiled
def _end_frame(  # noqa: PLR0913, PLR0917 - compiled code takes numbers, not objects
    transition: int,
    frame: int,
    last: bool,
    start: int,
    silent: int,
    needed_ms: float,
    rules: VadRules,
) -> int:
    """The frame that ends the segment; -1 while it continues."""
    if transition == _SIL2SIL and silent * rules.frame_ms >= needed_ms:
        back = int(needed_ms / rules.frame_ms)
        if rules.extend:
            back = max(0, back - rules.lookahead - 1)
        return frame - back
    return frame if last or frame - start + 1 > rules.longest else -1


@compiled
def _needed_silence_ms(spoken_ms: float, schedule: NDArray[np.float64], rules: VadRules) -> float:
    """Silence in ms that currently ends a segment."""
    if not rules.scheduled:
        return rules.end_silence_ms
    row = 0
    while spoken_ms > schedule[row, 0]:
        row += 1
    return float(max(schedule[row, 1] - rules.speech_to_silence_ms, 0.0))


@compiled
def _pop(popped: int, last_used: int, until: int) -> int:
    """The first frame in FunASR's buffer after it drops those between `last_used` and `until`."""
    count = until - last_used - 1
    return max(popped, last_used + 1) + count if count > 0 else popped


_FRAME, _SPEAKING, _START, _END, _SILENT, _LAST_USED, _POPPED = range(7)
"""Cells of the state: the next frame, the open segment, and positions in FunASR's buffer."""


@compiled
def _walk(
    marks: NDArray[np.int64],
    last: bool,
    needed_ms: float,
    window: NDArray[np.int64],
    state: NDArray[np.int64],
    rules: VadRules,
) -> NDArray[np.int64]:
    """Process one chunk and update the state; return the segments that ended, in frames."""
    segments = np.empty((len(marks) // 2 + 2, 2), np.int64)
    count, final = 0, state[_FRAME] + len(marks) - 1 if last else -1
    for mark in marks:
        frame = state[_FRAME]
        transition = _update_window(window, mark, rules)
        state[_SILENT] = state[_SILENT] + 1 if transition == _SIL2SIL else 0
        if not state[_SPEAKING] and transition == _SIL2SPEECH:
            start = max(state[_POPPED], frame - rules.latency)
            state[_SPEAKING], state[_START], state[_END] = 1, start, frame + 1
            state[_POPPED] = _pop(start + 1, start, frame + 1)
            state[_LAST_USED] = frame if frame > start else 0
        elif not state[_SPEAKING]:
            state[_POPPED] = max(state[_POPPED], frame - rules.latency)
        else:
            silent, start = state[_SILENT], state[_START]
            end = _end_frame(transition, frame, frame == final, start, silent, needed_ms, rules)
            if end >= 0 or transition == _SIL2SPEECH:
                state[_POPPED] = _pop(state[_POPPED], state[_LAST_USED], frame if end < 0 else end)
            if end >= 0:
                segments[count] = start, end + 1
                count += 1
                state[_POPPED] = max(state[_POPPED], end) + 1
                state[_SPEAKING] = state[_SILENT] = state[_LAST_USED] = 0
                window[:] = 0
            elif transition != _SIL2SIL or (rules.extend and silent <= rules.lookahead):
                state[_LAST_USED], state[_POPPED] = frame, max(state[_POPPED], frame) + 1
                state[_END] = frame + 1
        state[_FRAME] += 1
    if last and state[_SPEAKING]:
        segments[count] = state[_START], state[_END]
        count += 1
    return segments[:count]


class Decisions:
    """FunASR's VAD decisions for one audio, chunk by chunk."""

    def __init__(self, rules: VadRules) -> None:
        self._rules = rules
        self._noise = np.array([-100.0])
        self._window = np.zeros(rules.window + 3, np.int64)
        self._state = np.zeros(7, np.int64)
        self._spoken_ms, self._is_counting = 0.0, False

    @property
    def earliest(self) -> int:
        """The earliest frame at which an open or future segment may begin."""
        state, latency = self._state, self._rules.latency
        return int(state[_START] if state[_SPEAKING] else max(0, state[_FRAME] - latency))

    def push(
        self, silence: NDArray[np.float32], decibels: NDArray[np.float64], *, last: bool
    ) -> NDArray[np.int64]:
        """Process the next chunk.

        Args:
            silence: probability of silence per frame.
            decibels: loudness per frame.
            last: whether the audio ends with this chunk.

        Returns:
            The segments that ended, in ms from the audio's beginning, shape (segments, 2).
        """
        marks = mark_speech(silence, decibels, self._noise, self._rules)
        if self._state[_SPEAKING] or self._is_counting:
            self._spoken_ms, self._is_counting = self._spoken_ms + self._rules.chunk_ms, True
        needed_ms = _needed_silence_ms(self._spoken_ms, SILENCE_SCHEDULE, self._rules)
        segments = _walk(marks, last, needed_ms, self._window, self._state, self._rules)
        if len(segments):
            self._spoken_ms, self._is_counting = 0.0, False
        return segments * self._rules.frame_ms
