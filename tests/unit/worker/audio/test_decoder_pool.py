"""Decoder processes are assigned to files in order, and freed when files are abandoned."""

import contextlib
import os
import signal
import socket
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
from funasr_fleet.worker.audio.decoding.confinement import landlock_version
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED
from funasr_fleet.worker.audio.decoding.selection import Selection
from funasr_fleet.worker.events import Event, ignore
from funasr_fleet.worker.process.heartbeat import TimeLimits
from tests.support.audio import tone, wav
from tests.support.decoding import DEADLINE_S, LONG_S, decode, wait_for
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench


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


def test_an_abandoned_reservation_lets_the_next_one_pass_and_stops_waiting(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    pool.reserve().abandon()
    waiting = pool.reserve()
    waiting.abandon()
    with pytest.raises(Released):
        waiting.wait()
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)


def test_an_abandoned_file_stops_being_decoded_at_once(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    events: list[Event],
) -> None:
    reservation = pool.reserve()
    blocks = reservation.blocks(upload(wav(tone(LONG_S))), Selection(), UNLIMITED, ignore)
    next(blocks)
    os.kill(decoder(), signal.SIGSTOP)  # as if FFmpeg was busy for long
    reservation.abandon()
    with pytest.raises(Released):
        list(blocks)
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)
    assert events == []


def _has_sent_the_end(reservation: Reservation) -> bool:
    assert reservation._process
    link = reservation._process._link
    sent = bytes(link._received)
    with contextlib.suppress(BlockingIOError):
        sent += link._socket.recv(1 << 16, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return b'"end"' in sent


def test_a_decoder_that_is_killed_when_it_has_just_finished_gets_no_other_file(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO], events: list[Event]
) -> None:
    reservation = pool.reserve()
    blocks = reservation.blocks(upload(wav(tone(1))), Selection(), UNLIMITED, ignore)
    next(blocks)
    wait_for(lambda: _has_sent_the_end(reservation))
    reservation.abandon()
    assert list(blocks) == []
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)
    assert events == []


def test_an_abandoned_file_does_not_end_the_decoder_of_the_next_one(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO], events: list[Event]
) -> None:
    first = pool.reserve()
    assert list(first.blocks(upload(wav(tone(1))), Selection(), UNLIMITED, ignore))
    blocks = pool.reserve().blocks(upload(wav(tone(LONG_S))), Selection(), UNLIMITED, ignore)
    next(blocks)
    first.abandon()
    assert list(blocks)
    assert events == []


@pytest.mark.parametrize(
    ("version", "level", "phrase"),
    [(0, "WARNING", "Landlock is not available"), (6, "INFO", "confined by Landlock, version 6")],
)
def test_the_confinement_of_the_decoders_is_logged_once(
    pool: DecoderPool, caplog: pytest.LogCaptureFixture, version: int, level: str, phrase: str
) -> None:
    assert pool._idle[0].landlock == landlock_version()
    pool._idle[0].landlock = version
    with caplog.at_level("INFO"):
        pool.wait_until_ready()
    (record,) = caplog.records
    assert (record.levelname, phrase in record.getMessage()) == (level, True)


def test_waiting_for_a_decoder_does_not_count_as_decoding(bench: Workbench) -> None:
    """The second file waits until the first, which the VAD takes slowly, is decoded."""
    bench.max_audio_s = 1000
    bench.time_limits = TimeLimits(stall_s=4, min_rtfx=100)
    bench.engine.on_listen = lambda: time.sleep(7 if bench.engine.listeners == 1 else 0)
    long = [bench.upload(f"{name}.wav", tone(600)) for name in "ab"]
    bench.run(a_shard(*long))
    assert bench.outcomes == ["ok", "ok"]


@pytest.mark.parametrize(
    ("wanted", "threads", "expected"),
    [("auto", 1, 1), ("auto", 2, 1), ("auto", 8, 4), ("auto", 64, 8), (3, 1, 3), (12, 64, 12)],
)
def test_the_number_of_processes_follows_the_threads(
    wanted: int, threads: int, expected: int
) -> None:
    assert decode_processes(wanted, threads) == expected
