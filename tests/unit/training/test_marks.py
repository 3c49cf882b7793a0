"""espeak-ng's marks become word times, and word times become the aligner's target."""

import numpy as np

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


def test_a_word_without_a_sound_is_no_word() -> None:
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
