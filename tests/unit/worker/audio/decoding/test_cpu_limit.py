"""The CPU time that a decoder process may spend on one file."""

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import BinaryIO

import pytest

from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.errors import UndecodableAudio
from tests.support.audio import encode, tone, wav
from tests.support.decoding import decode

_BEGIN = """
import resource
import numpy as np
from funasr_fleet.worker.audio.decoding import cpu_limit
from funasr_fleet.worker.audio.decoding.resampling import AudioPiece
cpu_limit.BASE_S = {base}
limit = cpu_limit.CpuLimit({size})
def soft():
    return resource.getrlimit(resource.RLIMIT_CPU)[0]
"""


def _run(code: str, base: float = 10.0, size: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own, which has a limit."""
    command = [sys.executable, "-c", _BEGIN.format(base=base, size=size) + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_loop_that_never_returns_to_python_is_ended() -> None:
    assert _run("sum(iter(int, 1))", base=0.1).returncode == -signal.SIGXCPU


def test_the_limit_grows_with_the_file_and_with_the_decoded_audio() -> None:
    code = """
before = soft()
piece = AudioPiece(np.zeros((2, 1_600_000), np.float32), 16_000)
assert list(limit.extend([piece] * 3)) == [piece] * 3
print(before, soft())
"""
    begin, end = map(int, _run(code, size=50_000_000).stdout.split())
    assert 110 <= begin <= 120
    assert end == begin + 300


def test_the_limit_ends_with_the_file() -> None:
    assert _run("limit.lift()\nprint(soft() == resource.RLIM_INFINITY)").stdout == "True\n"


def test_a_limit_of_the_machine_stays() -> None:
    code = """
resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
limit.lift()
cpu_limit.CpuLimit(100_000_000)
print(soft())
"""
    assert _run(code).stdout == "50\n"


@pytest.mark.slow
def test_a_file_of_two_million_empty_frames_fails_and_the_next_is_decoded(
    pool: DecoderPool, upload: Callable[[bytes], BinaryIO]
) -> None:
    """Each frame of 7 bytes is damaged, and takes as long as one of a kilobyte."""
    body = encode(tone(0.2), "adts", "aac", 16_000)
    empty = body[:3] + b"\x40\x00\xe0\xfc"
    with pytest.raises(UndecodableAudio, match=r"more CPU time than the limit of 10 s, 2 s per MB"):
        decode(pool, upload(body + empty * 2_000_000))
    assert decode(pool, upload(wav(tone(1))))[0].shape == (1, 16_000)
