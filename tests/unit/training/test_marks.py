"""Labels: word times from espeak-ng's marks, and frames with speech from the clean signal."""

import numpy as np

from training.noises import draw_noise
from training.scenes import frame_count, loud_frames
from training.speak import Mark, word_spans
from training.timestamps import BORDER_DELAY_MS, FRAME_MS, target_curve


def test_a_word_ends_at_the_mark_after_its_last_sound() -> None:
    marks: list[Mark] = [
        ("word", 0),
        ("sound", 5),
        ("sound", 90),
        ("pause", 200),
        ("word", 500),
        ("sound", 500),
        ("word", 700),
        ("sound", 720),
    ]
    assert word_spans(marks, 900) == [(0, 200), (500, 700), (700, 900)]


def test_a_word_without_a_sound_is_dropped() -> None:
    marks: list[Mark] = [
        ("word", 0),
        ("sound", 0),
        ("pause", 150),
        ("word", 160),
        ("pause", 165),
        ("word", 400),
        ("sound", 400),
        ("pause", 600),
    ]
    assert word_spans(marks, 900) == [(0, 150), (400, 600)]


def test_the_target_passes_an_integer_at_every_border() -> None:
    words = np.array([[300, 600], [600, 900], [1500, 1800]])
    curve = target_curve(words, frames=110)
    passed = [int(np.argmax(curve >= border - 1e-4)) for border in (1, 2, 3, 4)]
    borders_ms = [frame * FRAME_MS - BORDER_DELAY_MS for frame in passed]
    assert np.allclose(borders_ms, [300, 600, 1500, 1800], atol=FRAME_MS)


def test_the_target_never_falls_and_ends_with_one_border_more_than_words() -> None:
    curve = target_curve(np.array([[20, 200], [210, 420]]), frames=60)
    assert np.all(np.diff(curve) >= 0)
    assert curve[-1] == 3.0


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
