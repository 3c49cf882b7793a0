"""Decoder processes are assigned to files in order, and freed when files are abandoned."""

import threading
import time
from collections.abc import Callable
from typing import BinaryIO

import pytest

from funasr_fleet.worker.audio.decoder_pool import (
    DecoderPool,
    Released,
    Reservation,
    decode_processes,
)
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED
from funasr_fleet.worker.audio.decoding.selection import Selection
from funasr_fleet.worker.events import Event, ignore
from tests.support.audio import tone, wav
from tests.support.decoding import LONG_S, decode

DEADLINE_S = 60


def test_a_slow_consumer_is_no_hang(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO], events: list[Event]
) -> None:
    blocks = pool.reserve().blocks(upload(wav(tone(LONG_S))), Selection(), UNLIMITED, ignore)
    taken = next(blocks).shape[1]
    time.sleep(2.5)  # longer than a decoder may be silent
    assert taken + sum(block.shape[1] for block in blocks) == LONG_S * 16_000
    assert events == []


def test_a_file_no_longer_wanted_frees_its_decoder(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO], events: list[Event]
) -> None:
    blocks = pool.reserve().blocks(upload(wav(tone(LONG_S))), Selection(), UNLIMITED, ignore)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)
    assert events == []


def test_decoders_are_assigned_in_the_order_of_reservation(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    """The second file asks first; with its decoder, it would wait for its consumer for ever."""
    first, second = pool.reserve(), pool.reserve()
    order: list[str] = []

    def run(name: str, reservation: Reservation, file: BinaryIO) -> None:
        for _ in reservation.blocks(file, Selection(), UNLIMITED, ignore):
            order.append(name)

    later = threading.Thread(target=run, args=("second", second, upload(wav(tone(1)))))
    later.start()
    run("first", first, upload(wav(tone(1))))
    later.join(DEADLINE_S)
    assert order == ["first", "second"]


def test_a_closed_reservation_lets_the_next_one_pass_and_stops_waiting(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    pool.reserve().close()
    waiting = pool.reserve()
    waiting.close()
    with pytest.raises(Released):
        next(iter(waiting.blocks(upload(wav(tone(1))), Selection(), UNLIMITED, ignore)))
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)


@pytest.mark.parametrize(
    ("wanted", "threads", "expected"),
    [("auto", 1, 1), ("auto", 2, 1), ("auto", 8, 4), ("auto", 64, 8), (3, 1, 3), (12, 64, 12)],
)
def test_the_number_of_processes_follows_the_threads(
    wanted: int, threads: int, expected: int
) -> None:
    assert decode_processes(wanted, threads) == expected
