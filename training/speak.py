"""Calls espeak-ng in this process: turns a plan into samples and word times.

Uses the library through ctypes because starting the `espeak-ng` command takes longer than the
synthesis, and because only the library reports when each word begins.
Source of the constants: `espeak-ng/speak_lib.h` of espeak-ng 1.51.
"""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from training.utterances import Utterance

Samples = npt.NDArray[np.float32]
"""Mono audio at 16 kHz, full scale 1.0, shape (samples,)."""

MarkKind = Literal["word", "sound", "pause"]
Mark = tuple[MarkKind, int]
"""The start of a word, a phoneme or a pause, with its time in milliseconds."""

SAMPLE_RATE_HZ = 16_000
ESPEAK_RATE_HZ = 22_050
LIBRARY = "libespeak-ng.so.1"

SYNCHRONOUS_OUTPUT, PHONEME_EVENTS, DO_NOT_EXIT = 2, 0x0001, 0x8000
RATE, PITCH, PITCH_RANGE = 1, 3, 4
UTF8_SSML = 0x01 | 0x10
END_OF_LIST, WORD_EVENT, PHONEME_EVENT = 0, 1, 7


class SpeechSynthesiserMissing(RuntimeError):
    """espeak-ng's library is not installed: `apt install espeak-ng`."""


@dataclass(frozen=True)
class Speech:
    """Synthesised speech and its word times."""

    samples: Samples
    """Clean speech without leading and trailing silence."""
    words_ms: tuple[tuple[int, int], ...]
    """Start and end of each word, in milliseconds from the first sample."""


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Synthesiser:
    """The only espeak-ng instance of this process, because the library has global state."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise SpeechSynthesiserMissing(str(error)) from error
        options = PHONEME_EVENTS | DO_NOT_EXIT
        rate = self._library.espeak_Initialize(SYNCHRONOUS_OUTPUT, 200, None, options)
        if rate != ESPEAK_RATE_HZ:
            raise SpeechSynthesiserMissing(f"espeak-ng returned {rate} instead of a sample rate")
        self._blocks: list[npt.NDArray[np.int16]] = []
        self._marks: list[Mark] = []
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def read(self, utterance: Utterance) -> tuple[npt.NDArray[np.int16], list[Mark]]:
        """Return samples at 22,050 Hz, and the marks that espeak-ng reported."""
        self._blocks, self._marks = [], []
        if self._library.espeak_SetVoiceByName(utterance.voice.encode()) != 0:
            raise SpeechSynthesiserMissing(f"espeak-ng has no voice named {utterance.voice}")
        self._library.espeak_SetParameter(RATE, utterance.words_per_minute, 0)
        self._library.espeak_SetParameter(PITCH, utterance.pitch, 0)
        self._library.espeak_SetParameter(PITCH_RANGE, utterance.pitch_range, 0)
        text = utterance.ssml.encode() + b"\0"
        self._library.espeak_Synth(text, len(text), 0, 1, 0, UTF8_SSML, None, None)
        return np.concatenate(self._blocks), self._marks

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        position = 0
        while events[position].type != END_OF_LIST:
            event = events[position]
            if event.type == WORD_EVENT:
                self._marks.append(("word", event.audio_position))
            if event.type == PHONEME_EVENT:
                kind: MarkKind = "pause" if event.id.startswith(b"_") else "sound"
                self._marks.append((kind, event.audio_position))
            position += 1
        return 0


@cache
def _synthesiser() -> _Synthesiser:
    return _Synthesiser()


def speak(utterance: Utterance) -> Speech:
    """Synthesise a plan; the same plan gives the same samples."""
    raw, marks = _synthesiser().read(utterance)
    words = word_spans(marks, len(raw) * 1000 // ESPEAK_RATE_HZ)
    if len(words) != len(utterance.digits):
        raise ValueError(f"espeak-ng marked {len(words)} words in {utterance.ssml}")
    first_ms, last_ms = words[0][0], words[-1][1]
    speech = raw[first_ms * ESPEAK_RATE_HZ // 1000 : last_ms * ESPEAK_RATE_HZ // 1000]
    samples = resample_poly(speech.astype(np.float32) / 32768, 320, 441).astype(np.float32)
    return Speech(samples, tuple((start - first_ms, end - first_ms) for start, end in words))


def word_spans(marks: list[Mark], total_ms: int) -> list[tuple[int, int]]:
    """Return start and end of each word; a word ends at the mark after its last phoneme.

    espeak-ng also marks a word before a bare pause; words without a phoneme are ignored.
    """
    spans: list[tuple[int, int]] = []
    word_ms: int | None = None
    for (kind, at_ms), (_, next_ms) in zip(marks, [*marks[1:], ("pause", total_ms)], strict=True):
        if kind == "word":
            word_ms = at_ms
        elif kind == "sound" and word_ms is not None:
            spans.append((word_ms, next_ms))
            word_ms = None
        elif kind == "sound" and spans:
            spans[-1] = (spans[-1][0], next_ms)
    return spans
