"""Checks that a decoder process returns one outcome for every input, and does not crash.

This process takes the place of a worker child: it decodes the inputs with a pool of one decoder
process, and must not crash either.
"""

import contextlib
import os
import random
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import psutil

from bench.faults.killing import decoders_of
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.selection import Selection
from funasr_fleet.worker.errors import FileFailure
from funasr_fleet.worker.events import DecoderReplaced, Event, ignore
from funasr_fleet.worker.text.spans import SAMPLE_RATE
from tests.fuzz.changing_bytes import changed_file, originals
from tests.fuzz.changing_heads import hostile_head
from tests.fuzz.tally import Tally
from tests.support.audio import Planes

LIMITS = Limits(audio_s=60, channels=8, decoded_mb=20)
MOST_MEMORY_MB = 300
"""Maximum memory of a decoder process between two files; its libraries take about 100 MB."""
MOST_PEAK_MB = 512
"""Maximum memory of a decoder process while it decodes an input."""
_MAKERS = {"files": changed_file, "heads": hostile_head}
_KNOWN_EVERY = 50
"""An undamaged file is decoded after this many inputs: its result must not change."""
_EXHAUSTED = ["took more memory than a decoder process may use"] * 2
"""Reasons for a file with too large a size in its header: FFmpeg tries to allocate it, in a new
process too. If the second process succeeds, the first had leaked memory."""
_ABANDONED_EVERY = {"files": 97, "heads": 997}
"""One of this many inputs is abandoned while it is decoded; then a new process is started."""


def file_of(kind: str, number: int, seed: int) -> bytes:
    """The input of this number, of `files` or `heads`: the same in every run."""
    random_ = random.Random(f"{kind.removesuffix('s')} {seed} {number}")
    return _MAKERS.get(kind, changed_file)(random_)


class FuzzedPool:
    """A pool of one decoder process, with checks of its processes, descriptors and memory."""

    def __init__(self, seed: int, kind: str) -> None:
        self._seed, self._kind = seed, kind
        self._others = set(decoders_of(os.getpid()))
        self._peak_before_mb = _ended_peak_mb()
        self._ended: list[str] = []
        """Reasons why decoder processes ended."""
        self._pool = DecoderPool(1, self._note)
        self._pool.wait_until_ready()
        self._decoder = psutil.Process(min(self._decoders()))
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - see close
        self._known = originals()[0][0]
        self._known_samples = self._decode(self._known, Selection())
        self._fds = len(os.listdir("/dev/fd"))

    def _note(self, event: Event) -> None:
        if isinstance(event, DecoderReplaced):
            self._ended.append(event.reason)

    def decode_number(self, number: int, tally: Tally) -> None:
        """Decode one input as a worker does, and record its outcome and all errors."""
        name = f"{self._kind.removesuffix('s')} {number} of seed {self._seed}"
        body = file_of(self._kind, number, self._seed)
        if number % _ABANDONED_EVERY[self._kind] == 1:
            tally.run_input(name, lambda: self._abandon(body), (FileFailure,), self._cpu_s)
        else:
            tally.run_input(name, lambda: self._check(body, number), (FileFailure,), self._cpu_s)
        if self._ended != _EXHAUSTED:
            tally.findings += [f"{name}: a decoder process {reason}" for reason in self._ended]
        self._ended.clear()
        if number % _KNOWN_EVERY == 0:
            tally.check(f"the file after {name}", self._check_known)

    def check_state(self, tally: Tally) -> None:
        """Record as findings lost or remaining processes, open descriptors and unreleased memory.

        Also records the peak memory of the decoder process.
        """
        tally.check("the pool", self._check_state)
        taken_mb = max(psutil.Process(pid).memory_info().rss >> 20 for pid in self._decoders())
        if taken_mb > MOST_MEMORY_MB:
            tally.findings.append(f"a decoder process takes {taken_mb} MB")
        tally.peak_mb = max(tally.peak_mb, *map(_peak_mb, self._decoders()))
        if (ended_mb := _ended_peak_mb()) > self._peak_before_mb:  # not of earlier processes
            tally.peak_mb = max(tally.peak_mb, ended_mb)
        if tally.peak_mb > MOST_PEAK_MB:
            tally.findings.append(f"a decoder process took {tally.peak_mb} MB")

    def _cpu_s(self) -> float:
        """CPU time of this process, of its decoder process and of those that have ended."""
        total = sum(os.times()[:4])
        with contextlib.suppress(psutil.NoSuchProcess):
            return total + sum(self._decoder.cpu_times()[:2])
        for pid in self._decoders():  # it was replaced
            self._decoder = psutil.Process(pid)
        return total

    def _decoders(self) -> set[int]:
        return set(decoders_of(os.getpid())) - self._others

    def close(self) -> None:
        """End the decoder process."""
        self._pool.close()
        self._file.close()

    def _check(self, body: bytes, number: int) -> None:
        planes = self._decode(body, Selection(split=bool(number % 2)))
        assert len(planes) <= LIMITS.channels, "too many channels"
        assert planes.shape[1] <= (LIMITS.audio_s + 1) * SAMPLE_RATE, "too long"
        assert np.isfinite(planes).all(), "samples that are not numbers"

    def _decode(self, body: bytes, selection: Selection) -> Planes:
        reservation = self._pool.reserve()
        blocks = reservation.blocks(self._holding(body), selection, LIMITS, ignore)
        planes = np.concatenate(list(blocks), axis=1)
        assert reservation.facts, "samples, but no facts"
        return planes

    def _abandon(self, body: bytes) -> None:
        blocks = self._pool.reserve().blocks(self._holding(body), Selection(), LIMITS, ignore)
        with contextlib.closing(blocks):  # type: ignore[type-var]
            next(blocks)

    def _holding(self, body: bytes) -> BinaryIO:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(body)
        return self._file

    def _check_known(self) -> None:
        samples = self._decode(self._known, Selection())
        assert np.array_equal(samples, self._known_samples), "an undamaged file changed"

    def _check_state(self) -> None:
        self._check_known()  # the pool replaces a process that was killed
        assert len(self._decoders()) == 1, "not one decoder process"
        assert len(os.listdir("/dev/fd")) == self._fds, "descriptors are left open"


def _peak_mb(pid: int) -> int:
    """The most memory that a process has taken, in MB; see proc(5), VmHWM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10


def _ended_peak_mb() -> int:
    """The most memory that an ended decoder process had taken, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10


@contextlib.contextmanager
def fuzzed_pool(seed: int, kind: str = "files") -> Iterator[FuzzedPool]:
    """A pool that is closed at the end of the block; then its process must have ended."""
    before = set(decoders_of(os.getpid()))
    pool = FuzzedPool(seed, kind)
    try:
        yield pool
    finally:
        pool.close()
        assert set(decoders_of(os.getpid())) <= before, "a decoder process is left over"


def keep_input(kind: str, number: int, seed: int, directory: Path) -> Path:
    """Write an input to a file for inspection."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"seed-{seed}-{kind.removesuffix('s')}-{number}"
    path.write_bytes(file_of(kind, number, seed))
    return path
