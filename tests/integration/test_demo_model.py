"""The shipped demo model behaves as its model card describes, through FunASR's own AutoModel."""

import json
import wave
from typing import Any

import numpy as np
import pytest

from funasr_fleet.demo_model import DEMO_ASR, DEMO_CANARY, DEMO_CANARY_REFERENCE, DEMO_VAD

funasr = pytest.importorskip("funasr")


def load(**models: str) -> Any:
    return funasr.AutoModel(
        **models, device="cpu", ncpu=1, disable_update=True, disable_pbar=True, disable_log=True
    )


@pytest.fixture(scope="module")
def canary() -> np.ndarray[Any, np.dtype[np.float32]]:
    with wave.open(str(DEMO_CANARY)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        frames = file.readframes(file.getnframes())
    return np.asarray(np.frombuffer(frames, "<i2") / 32768, np.float32)


@pytest.fixture(scope="module")
def truth() -> str:
    return str(json.loads(DEMO_CANARY_REFERENCE.read_text())["text"])


def test_the_recogniser_transcribes_the_canary_with_times(canary: Any, truth: str) -> None:
    (result,) = load(model=str(DEMO_ASR)).generate(input=[canary])
    assert result["text"] == truth
    times = result["timestamp"]
    assert len(times) == len(truth.split())
    assert all(start < end for start, end in times)
    assert times == sorted(times)
    assert times[-1][1] <= 1000 * len(canary) / 16_000


def test_both_models_together_find_the_canary_in_silence(canary: Any, truth: str) -> None:
    model = load(model=str(DEMO_ASR), vad_model=str(DEMO_VAD))
    second = np.zeros(16_000, np.float32)
    (result,) = model.generate(input=[np.concatenate([second, canary, second, second, canary])])
    assert result["text"] == f"{truth} {truth}"
    assert result["timestamp"][0][0] > 1000


def test_the_detector_finds_speech_but_not_noise(canary: Any) -> None:
    model = load(model=str(DEMO_VAD))
    second = np.zeros(16_000, np.float32)
    (found,) = model.generate(input=[np.concatenate([second, canary, second])])
    ((start, end),) = found["value"]
    assert abs(start - 1250) < 150
    assert abs(end - (1000 + 1000 * len(canary) / 16_000 - 250)) < 150
    noise = np.random.default_rng(0).standard_normal(80_000).astype(np.float32)
    for quiet in (0 * noise, 0.001 * noise, 0.1 * noise):
        assert model.generate(input=[quiet])[0]["value"] == []
