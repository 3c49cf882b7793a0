"""Damaged pages of Ogg files: their loss is reported, and what follows keeps its times."""

import functools

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.damage.ogg import (
    begins_damaged,
    chained_seconds,
    is_damaged_between,
)
from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput
from tests.support.audio import as_file, encode
from tests.support.bad_audio import decoded
from tests.support.odd_audio import ffmpeg

SECONDS = 12.0
CODECS = {"libopus": 48_000, "libvorbis": 16_000, "flac": 16_000}


@functools.cache
def _ogg(codec: str, seconds: float = SECONDS) -> bytes:
    """A file with one page per second of audio, after two pages of headers."""
    rate = CODECS[codec]
    noise = np.random.default_rng(7).uniform(-0.3, 0.3, (1, round(seconds * rate)))
    body = encode(noise.astype(np.float32), "wav", "pcm_s16le", rate)
    return ffmpeg(body, "-i", "pipe:0", "-c:a", codec, "-f", "ogg", "pipe:1")


def _pages(body: bytes) -> list[int]:
    """Offsets of all pages."""
    at, found = body.find(b"OggS"), []
    while at >= 0:
        found.append(at)
        at = body.find(b"OggS", at + 1)
    return found


def _hurt(body: bytes, pages: range) -> bytes:
    """Flip one bit in each of these pages."""
    hurt = bytearray(body)
    for at in _pages(body)[pages.start : pages.stop]:
        hurt[at + 200] ^= 0x10
    return bytes(hurt)


@pytest.mark.parametrize("pages", [range(2, 3), range(2, 6), range(3, 8), range(6, 10)], ids=str)
@pytest.mark.parametrize("codec", CODECS)
def test_damaged_pages_are_lost_audio(codec: str, pages: range) -> None:
    body = _ogg(codec)
    found = decoded(_hurt(body, pages))
    assert found.filled_ms == 0
    assert found.lost_ms == pytest.approx(1000 * len(pages), abs=250)
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)
    end = slice(-17_000, -1000)
    assert np.corrcoef(found.samples[end], decoded(body).samples[end])[0, 1] > 0.9


@pytest.mark.parametrize("codec", CODECS)
def test_missing_pages_are_lost_audio(codec: str) -> None:
    body = _ogg(codec)
    pages = _pages(body)
    found = decoded(body[: pages[5]] + body[pages[7] :])
    assert found.filled_ms == 0
    assert found.lost_ms == pytest.approx(2000, abs=250)
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("codec", CODECS)
def test_a_recording_that_begins_in_the_middle_of_a_broadcast_is_not_damaged(codec: str) -> None:
    """The server sends the headers, and then the pages of the time."""
    body = _ogg(codec)
    pages = _pages(body)
    found = decoded(body[: pages[2]] + body[pages[4] :])
    assert (found.lost_ms, found.filled_ms) == (0, 0)
    assert found.seconds == pytest.approx(SECONDS - 2, abs=0.1)


def test_every_bit_of_a_page_is_checked() -> None:
    body = _ogg("libvorbis")
    first, last = _pages(body)[2], _pages(body)[4]
    source = DecoderInput(as_file(body), lambda: None)
    assert not is_damaged_between(source, first, last)
    assert not begins_damaged(source, first)
    for at in range(first, last, 97):
        hurt = bytearray(body)
        hurt[at] ^= 0x80
        assert is_damaged_between(DecoderInput(as_file(bytes(hurt)), lambda: None), first, last)


@pytest.mark.parametrize("damaged", [0, 5, 70, 90])
def test_a_recording_whose_first_pages_are_damaged_begins_at_its_start(damaged: int) -> None:
    """It is not taken for the recording of a live stream, which begins at any time."""
    body = _hurt(_ogg("libopus", 100), range(2, 2 + damaged))
    assert chained_seconds(DecoderInput(as_file(body), lambda: None)) == pytest.approx(100, abs=0.1)


def test_the_search_for_intact_pages_ends_after_many_damaged_ones() -> None:
    touched: list[None] = []
    source = DecoderInput(as_file(b"OggS" * 1_000_000), lambda: touched.append(None))
    assert chained_seconds(source) is None
    assert len(touched) < 50_000
