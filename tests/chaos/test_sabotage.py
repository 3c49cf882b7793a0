"""The fault injection of sabotage/ follows the commands in files and changes nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.fleet import SABOTAGE, until
from tests.chaos.recordings import HANGING, POISON, SPOKEN, sample, slow

DECODE = """
import sys
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED
from funasr_fleet.worker.audio.decoding.selection import Selection
pool = DecoderPool(1, print)
with open(sys.argv[1], "rb") as file:
    blocks = pool.reserve().blocks(file, Selection(), UNLIMITED, lambda: None)
    print(sum(block.shape[1] for block in blocks))
"""


def decode(path: Path, body: bytes, *behind: Path) -> "subprocess.Popen[str]":
    path.write_bytes(body)
    places = os.pathsep.join(map(str, (SABOTAGE, *behind)))
    return subprocess.Popen(
        [sys.executable, "-c", DECODE, str(path)],
        env={**os.environ, "PYTHONPATH": places},
        stdout=subprocess.PIPE,
        text=True,
    )


def output(process: "subprocess.Popen[str]") -> str:
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audio"


def test_other_files_are_decoded_normally(path: Path) -> None:
    assert int(output(decode(path, sample(SPOKEN[0])))) > 16_000


def test_a_slow_file_is_decoded_after_its_delay(path: Path) -> None:
    plain = output(decode(path, sample(SPOKEN[0])))
    begun = time.monotonic()
    assert output(decode(path, slow(2.0))) == plain
    assert time.monotonic() - begun > 2.0


def test_poison_kills_the_process_that_has_it_decoded(path: Path) -> None:
    process = decode(path, POISON)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_a_hanging_file_blocks_the_process_that_has_it_decoded(path: Path) -> None:
    with decode(path, HANGING) as process:
        waits = Path(f"/proc/{process.pid}/wchan")
        until(lambda: "pipe" in waits.read_text(), 60, "the process is blocked in a system call")
        assert process.poll() is None
        process.kill()


def test_another_sitecustomize_behind_ours_runs_too(path: Path, tmp_path: Path) -> None:
    other, trace = tmp_path / "other", tmp_path / "trace"
    other.mkdir()
    (other / "sitecustomize.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    process = decode(path, POISON, other)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert trace.exists()
