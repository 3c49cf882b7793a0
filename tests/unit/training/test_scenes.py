"""What the speech detector learns from: frames are marked by the clean signal."""

import numpy as np

from training.noises import draw_noise
from training.scenes import frame_count, loud_frames


def test_frames_are_25_ms_every_10_ms() -> None:
    assert frame_count(399) == 0
    assert frame_count(400) == 1
    assert frame_count(16_000) == 98


def test_loud_frames_are_those_with_sound() -> None:
    speech = np.zeros(8000, np.float32)
    speech[1600:3200] = 0.5
    loud = np.flatnonzero(loud_frames(speech))
    assert 8 <= loud[0] <= 10
    assert loud[-1] == 19


def test_noise_is_seeded_and_of_unit_power() -> None:
    noises = [draw_noise(np.random.default_rng(seed), 16_000) for seed in range(20)]
    again = draw_noise(np.random.default_rng(3), 16_000)
    assert np.array_equal(noises[3], again)
    assert all(abs(float(np.sqrt(np.mean(noise**2))) - 1) < 0.01 for noise in noises)
