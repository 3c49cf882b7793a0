"""Long recordings with known words: the samples, concatenated repeatedly."""

import itertools
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from funasr_fleet.worker.text.spans import SAMPLE_RATE

BUNDLED_AUDIO = "samples.npz"
"""File with the decoded samples; a GPU bundle contains it because it has no decoder."""

_GAP_S = 1.0


def write_long_wav(path: Path, minutes: float) -> None:
    """Write a 16 kHz mono WAV of at least this length."""
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
    """Return every sample with speech, 16 kHz mono."""
    bundled = Path(__file__).parent / BUNDLED_AUDIO
    if bundled.exists():
        with np.load(bundled) as packed:
            return [packed[name].astype(np.float32) / 32767 for name in packed.files]
    from funasr_fleet.embedded.samples import SAMPLES, load_samples
    from funasr_fleet.worker.audio.decoding.decode import decode_file

    decoded = []
    for sample in (one for one in load_samples() if one.expect == "ok"):
        with (SAMPLES / sample.name).open("rb") as file:
            decoded.append(np.clip(decode_file(file).samples(None), -1, 1))
    return decoded
