"""FSMN-VAD's decisions per 10 ms, compiled: exactly those of FunASR's state machine.

FunASR (funasr/models/fsmn_vad_streaming/model.py, 1.4.16) walks over frames in Python, with one
device synchronisation each. This is the same walk over two arrays, without the bookkeeping of
samples: what matters of that is `popped`, the first frame that a new segment may begin with.
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
"""(ms of speech so far, ms of silence that end it): DEFAULT_SILENCE_SCHEDULE of FunASR."""

_SPEECH2SPEECH, _SPEECH2SIL, _SIL2SIL, _SIL2SPEECH = 0, 1, 2, 3

compiled = numba.njit(nogil=True, cache=True)


class VadRules(NamedTuple):
    """FunASR's VADXOptions in frames and ms."""

    frame_ms: int
    window: int
    """Frames over which speech is counted."""
    speech_frames: int
    """Speech frames within the window that begin speech."""
    silence_frames: int
    """Speech frames left within the window when speech ends."""
    latency: int
    """Frames that a segment begins before speech is noticed."""
    lookahead: int
    """Frames that a segment goes on after speech has ended."""
    extend: bool
    longest: float
    """Frames after which a segment is cut."""
    end_silence_ms: float
    """Silence that ends a segment, without a schedule."""
    speech_to_silence_ms: float
    noise_threshold: float
    noise_ratio: float
    snr_threshold: float
    decibel_threshold: float
    noise_memory: float
    scheduled: bool
    """Whether the silence that ends a segment shrinks as speech goes on."""
    chunk_ms: float
    """FunASR looks at the schedule only once per chunk."""


@compiled
def mark_speech(
    silence: NDArray[np.float32],
    decibels: NDArray[np.float64],
    noise: NDArray[np.float64],
    rules: VadRules,
) -> NDArray[np.int64]:
    """1 for each frame that is speech; the first two of shape (frames,).

    `noise` holds the loudness of noise, from one stretch of frames to the next.
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
def _slide(window: NDArray[np.int64], mark: int, rules: VadRules) -> int:
    """Put a mark into the window and say what changed.

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
    change: int, frame: int, last: bool, begun: int, silent: int, enough_ms: float, rules: VadRules
) -> int:
    """The frame that ends the segment; -1 while it goes on."""
    if change == _SIL2SIL and silent * rules.frame_ms >= enough_ms:
        back = int(enough_ms / rules.frame_ms)
        if rules.extend:
            back = max(0, back - rules.lookahead - 1)
        return frame - back
    return frame if last or frame - begun + 1 > rules.longest else -1


@compiled
def _enough_silence(spoken_ms: float, schedule: NDArray[np.float64], rules: VadRules) -> float:
    """Silence in ms that ends a segment now."""
    if not rules.scheduled:
        return rules.end_silence_ms
    row = 0
    while spoken_ms > schedule[row, 0]:
        row += 1
    return float(max(schedule[row, 1] - rules.speech_to_silence_ms, 0.0))


@compiled
def _pop(popped: int, heard: int, until: int) -> int:
    """Take the frames behind the last one heard, up to but without `until`, one by one."""
    count = until - heard - 1
    return max(popped, heard + 1) + count if count > 0 else popped


_FRAME, _SPEAKING, _BEGUN, _END, _SILENT, _HEARD, _POPPED = range(7)
"""Cells of the state: the next frame, the open segment, and what FunASR remembers around it."""


@compiled
def _walk(
    marks: NDArray[np.int64],
    last: bool,
    enough_ms: float,
    window: NDArray[np.int64],
    state: NDArray[np.int64],
    rules: VadRules,
) -> NDArray[np.int64]:
    """One chunk, from the state before it to the state behind it; segments that end, in frames."""
    segments = np.empty((len(marks) // 2 + 2, 2), np.int64)
    count, final = 0, state[_FRAME] + len(marks) - 1 if last else -1
    for mark in marks:
        frame = state[_FRAME]
        change = _slide(window, mark, rules)
        state[_SILENT] = state[_SILENT] + 1 if change == _SIL2SIL else 0
        if not state[_SPEAKING] and change == _SIL2SPEECH:
            begun = max(state[_POPPED], frame - rules.latency)
            state[_SPEAKING], state[_BEGUN], state[_END] = 1, begun, frame + 1
            state[_POPPED] = _pop(begun + 1, begun, frame + 1)
            state[_HEARD] = frame if frame > begun else 0
        elif not state[_SPEAKING]:
            state[_POPPED] = max(state[_POPPED], frame - rules.latency)
        else:
            silent, begun = state[_SILENT], state[_BEGUN]
            end = _end_frame(change, frame, frame == final, begun, silent, enough_ms, rules)
            if end >= 0 or change == _SIL2SPEECH:
                state[_POPPED] = _pop(state[_POPPED], state[_HEARD], frame if end < 0 else end)
            if end >= 0:
                segments[count] = begun, end + 1
                count += 1
                state[_POPPED] = max(state[_POPPED], end) + 1
                state[_SPEAKING] = state[_SILENT] = state[_HEARD] = 0
                window[:] = 0
            elif change != _SIL2SIL or (rules.extend and silent <= rules.lookahead):
                state[_HEARD], state[_POPPED] = frame, max(state[_POPPED], frame) + 1
                state[_END] = frame + 1
        state[_FRAME] += 1
    if last and state[_SPEAKING]:
        segments[count] = state[_BEGUN], state[_END]
        count += 1
    return segments[:count]


class Decisions:
    """What FunASR decides about one audio, chunk by chunk."""

    def __init__(self, rules: VadRules) -> None:
        self._rules = rules
        self._noise = np.array([-100.0])
        self._window = np.zeros(rules.window + 3, np.int64)
        self._state = np.zeros(7, np.int64)
        self._spoken_ms, self._counting = 0.0, False

    @property
    def earliest(self) -> int:
        """The first frame that a segment may begin with which has not ended yet."""
        state, latency = self._state, self._rules.latency
        return int(state[_BEGUN] if state[_SPEAKING] else max(0, state[_FRAME] - latency))

    def take(
        self, silence: NDArray[np.float32], decibels: NDArray[np.float64], *, last: bool
    ) -> NDArray[np.int64]:
        """Decide about one more of FunASR's chunks.

        Args:
            silence: probability of silence per frame.
            decibels: loudness per frame.
            last: whether the audio ends here.

        Returns:
            The segments that ended, in ms from the audio's beginning, shape (segments, 2).
        """
        marks = mark_speech(silence, decibels, self._noise, self._rules)
        if self._state[_SPEAKING] or self._counting:
            self._spoken_ms, self._counting = self._spoken_ms + self._rules.chunk_ms, True
        enough_ms = _enough_silence(self._spoken_ms, SILENCE_SCHEDULE, self._rules)
        segments = _walk(marks, last, enough_ms, self._window, self._state, self._rules)
        if len(segments):
            self._spoken_ms, self._counting = 0.0, False
        return segments * self._rules.frame_ms
