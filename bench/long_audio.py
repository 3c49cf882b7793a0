"""Long recordings with known words: the samples one after the other, again and again."""

import itertools
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from local.samples import SAMPLES, load_samples
from worker.decoding import decode_file
from worker.planning.spans import SAMPLE_RATE

_GAP_S = 1.0


def write_long_wav(path: Path, minutes: float) -> None:
    """A 16 kHz mono WAV of at least this length."""
    wanted = int(minutes * 60 * SAMPLE_RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        for samples in itertools.cycle(decode_samples()):
            file.writeframes((samples * 32767).astype("<i2").tobytes())
            file.writeframes(bytes(2 * int(_GAP_S * SAMPLE_RATE)))
            wanted -= len(samples) + int(_GAP_S * SAMPLE_RATE)
            if wanted <= 0:
                return


def decode_samples() -> list[NDArray[np.float32]]:
    """Every sample in which somebody speaks, 16 kHz mono."""
    return [_decode(SAMPLES / s.name) for s in load_samples() if s.expect == "ok"]


def _decode(path: Path) -> NDArray[np.float32]:
    with path.open("rb") as file:
        return np.clip(decode_file(file).samples(None), -1, 1)
