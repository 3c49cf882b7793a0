"""The headers between joined AMR files are hidden, and nothing else."""

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from funasr_fleet.worker.audio.decoding.joined_amr import without_inner_headers
from tests.support.audio import as_file
from tests.support.bad_audio import decoded, sound_file
from tests.support.rare_formats import amr_wb

NARROW, WIDE = b"#!AMR\n", b"#!AMR-WB\n"


def _visible(body: bytes, size: int) -> bytes:
    file = as_file(body)
    view = DecoderInput(without_inner_headers(file, DecoderInput(file, lambda: None)), lambda: None)
    read = b"".join(view.read_at(at, size) for at in range(0, view.size_bytes, size))
    assert view.read_at(view.size_bytes, size) == b""
    return read


@pytest.mark.parametrize("size", [1, 4, 7, 1000])
@pytest.mark.parametrize(
    ("body", "visible"),
    [
        (NARROW + b"abc", NARROW + b"abc"),
        (NARROW + b"abc" + NARROW + b"d" + NARROW + b"ef", NARROW + b"abcdef"),
        (NARROW + NARROW + NARROW, NARROW),
        (WIDE + b"abc" + WIDE + b"d", WIDE + b"abcd"),
        (NARROW + b"abc" + WIDE + b"d", NARROW + b"abc" + WIDE + b"d"),
        (b"RIFF" + NARROW + b"abc" + NARROW, b"RIFF" + NARROW + b"abc" + NARROW),
    ],
)
def test_headers_after_the_first_are_hidden(body: bytes, visible: bytes, size: int) -> None:
    assert _visible(body, size) == visible


@pytest.mark.parametrize("shift", [-6, -3, -1, 0, 1])
def test_a_header_at_the_border_of_two_blocks_is_hidden(shift: int) -> None:
    padding = bytes((1 << 20) - len(NARROW) + 1 + shift)
    body = NARROW + padding + NARROW + b"abc"
    assert _visible(body, 1 << 16) == NARROW + padding + b"abc"


def test_joined_files_are_decoded_like_one_file() -> None:
    body = sound_file("amr", 4)
    one, two = decoded(body + body[len(NARROW) :]), decoded(body + body)
    np.testing.assert_array_equal(one.samples, two.samples)
    assert two.lost_ms == two.filled_ms == 0


def test_joined_files_of_wide_band_speech_are_decoded_to_their_end() -> None:
    found = decoded(amr_wb() + amr_wb())
    assert found.seconds == pytest.approx(4, abs=0.05)
    assert found.lost_ms == 0
