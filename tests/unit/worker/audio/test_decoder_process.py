"""What decoder processes return, and what happens when they crash, hang or run out of memory."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import psutil
import pytest

from funasr_fleet.worker.audio.decoder_pool import (
    DecoderPool,
)
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED, Limits
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.error_handling import RestartChild, decide
from funasr_fleet.worker.errors import (
    AudioTooLong,
    AudioTooShort,
    DecoderUnavailable,
    UndecodableAudio,
)
from funasr_fleet.worker.events import DecoderReplaced, Event, ignore
from tests.support.audio import tone, wav
from tests.support.decoding import LONG_S, decode, wait_for


def test_samples_and_facts_are_those_of_decoding_in_this_process(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    body = wav(tone(LONG_S, channels=2, rate=8_000), 8_000)
    planes, facts = decode(pool, upload(body), Selection(split=True))
    expected = decode_file(upload(body))
    np.testing.assert_array_equal(planes, expected.planes)
    assert facts == AudioFacts(channels=2, source_rate=8_000, duration_ms=1000 * LONG_S)


def test_the_range_and_the_channel_are_selected_in_the_decoder(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    both = tone(3, channels=2)
    selection = Selection(start_ms=500, end_ms=1500, channel=1)
    planes, facts = decode(pool, upload(wav(both)), selection)
    np.testing.assert_allclose(planes, both[1:, 8_000:24_000], atol=1e-4)
    assert facts
    assert facts.duration_ms == 3000


@pytest.mark.parametrize(
    ("body", "limits", "error"),
    [
        (b"no audio", UNLIMITED, UndecodableAudio),
        (wav(tone(0.01)), UNLIMITED, AudioTooShort),
        (wav(tone(2)), Limits(audio_s=1), AudioTooLong),
    ],
)
def test_an_error_keeps_its_type_and_the_decoder_serves_the_next_file(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    body: bytes,
    limits: Limits,
    error: type[Exception],
) -> None:
    pid = decoder()
    with pytest.raises(error):
        decode(pool, upload(body), limits=limits)
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)
    assert decoder() == pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_file_survives_one_crash_without_losing_a_sample(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    events: list[Event],
    number: signal.Signals,
) -> None:
    body = wav(tone(LONG_S, rate=8_000), 8_000)
    pid = decoder()
    reservation = pool.reserve()
    blocks = reservation.blocks(upload(body), Selection(), UNLIMITED, ignore)
    first = next(blocks)
    os.kill(pid, number)
    planes = np.concatenate([first, *blocks], axis=1)
    np.testing.assert_array_equal(planes, decode_file(upload(body)).planes)
    assert events == [DecoderReplaced(reason=f"was killed by {number.name}")]


def test_a_file_that_ends_two_decoders_fails_and_the_next_is_decoded(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    events: list[Event],
) -> None:
    def crash() -> None:
        with contextlib.suppress(ValueError):  # messages may arrive after the process ended
            os.kill(decoder(), signal.SIGSEGV)

    with pytest.raises(UndecodableAudio, match=r"two decoder processes ended .* SIGSEGV"):
        decode(pool, upload(wav(tone(LONG_S))), touch=crash)
    assert len(events) == 2
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)


def test_a_file_that_takes_too_much_cpu_time_fails_at_once(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    events: list[Event],
) -> None:
    """Another decoder would take as long."""

    def exceed() -> None:
        with contextlib.suppress(ValueError):  # messages may arrive after the process ended
            os.kill(decoder(), signal.SIGXCPU)

    with pytest.raises(UndecodableAudio, match="took more CPU time than the limit of 10 s"):
        decode(pool, upload(wav(tone(LONG_S))), touch=exceed)
    assert events == []
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)


def test_a_decoder_that_hangs_is_killed_and_its_file_decoded_by_another(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    events: list[Event],
) -> None:
    os.kill(decoder(), signal.SIGSTOP)
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)
    assert events == [DecoderReplaced(reason="did not respond, and was killed")]


def test_a_decoder_that_runs_out_of_memory_is_replaced_and_the_file_decoded(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    events: list[Event],
) -> None:
    pid = decoder()
    limit, _ = resource.prlimit(pid, resource.RLIMIT_AS)
    assert 0 < limit < 4 << 30
    used = psutil.Process(pid).memory_info().vms
    resource.prlimit(pid, resource.RLIMIT_AS, (used, used))
    body = wav(tone(30, channels=6, rate=48_000), 48_000)
    assert decode(pool, upload(body), Selection(split=True))[0].shape == (6, 480_000)
    assert events == [DecoderReplaced(reason="took more memory than a decoder process may use")]


def test_decoding_that_takes_too_long_fails_the_file_although_it_reports_progress(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    file = upload(wav(tone(LONG_S)))
    with pytest.raises(UndecodableAudio, match="decoding took longer than 0 s; see FLEET_MIN_RTFX"):
        list(pool.reserve().blocks(file, Selection(), UNLIMITED, ignore, lambda _: 0.0))
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)


def test_a_decoder_that_cannot_start_is_not_the_fault_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('no FFmpeg here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        contextlib.closing(DecoderPool(1, ignore)) as broken,
        pytest.raises(DecoderUnavailable, match="exited with status 1"),
    ):
        broken.wait_until_ready()


@pytest.mark.parametrize("call", ["socket.socketpair", "os.memfd_create", "subprocess.Popen"])
def test_a_system_without_resources_for_a_decoder_is_not_a_storage_fault(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An OSError would be handled as a storage fault, and retried for hours."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(24, "Too many open files")

    before = os.listdir("/dev/fd")
    monkeypatch.setattr(call, fail)
    decision = None
    try:
        DecoderPool(1, ignore)
    except DecoderUnavailable as error:
        decision = decide(error, 0)
    assert decision == RestartChild(
        "a decoder process cannot be started: [Errno 24] Too many open files"
    )
    assert len(os.listdir("/dev/fd")) == len(before)


START = """
import os, sys, time
from bench.faults.killing import decoders_of
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
pool = DecoderPool(2, print)
pool.wait_until_ready()
print(*decoders_of(os.getpid()), flush=True)
time.sleep(600)
"""


def test_decoders_end_with_their_child() -> None:
    with subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE) as child:
        assert child.stdout
        pids = list(map(int, child.stdout.readline().split()))
        assert len(pids) == 2
        child.kill()
        wait_for(lambda: not any(map(psutil.pid_exists, pids)))
