"""Long damage in FLAC, whose frames are numbered: a gap between them is never a pause."""

import random

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.audio.decoding.selection import AudioRange, Selection
from tests.support.audio import as_file, encode
from tests.support.bad_audio import decoded

SECONDS, RATE = 30.0, 16_000
LOST_S = 4.0


def _flac() -> bytes:
    noise = np.random.default_rng(7).uniform(-0.3, 0.3, (1, round(SECONDS * RATE)))
    return encode(noise.astype(np.float32), "flac", "flac", RATE, at_once=RATE)


@pytest.mark.parametrize("how", ["overwritten", "zeroed", "removed"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_long_damage_is_lost_audio_and_keeps_the_times_of_what_follows(
    how: str, share: float
) -> None:
    body = _flac()
    size, at = round(len(body) * LOST_S / SECONDS), 9000 + round(len(body) * share)
    new = {"zeroed": bytes(size), "removed": b""}.get(how, random.Random(1).randbytes(size))
    found = decoded(body[:at] + new + body[at + size :])
    assert found.lost_ms == pytest.approx(1000 * LOST_S, abs=200)
    assert found.filled_ms == 0
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)
    last = decoded(body).samples[-RATE:]
    assert np.corrcoef(found.samples[-RATE:], last)[0, 1] > 0.9


def test_it_has_the_warning_of_damage_only() -> None:
    body = _flac()
    size, at = len(body) // 6, len(body) // 2
    audio = AudioRange(Selection())
    assert list(audio.select(decode_pieces(as_file(body[:at] + bytes(size) + body[at + size :]))))
    assert audio.facts
    assert audio.facts.warnings == ("audio_damaged",)
