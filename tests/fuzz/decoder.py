"""The decoder raises only FileFailure, keeps its limits and never ends its process."""

import io
import random
import resource
from pathlib import Path

import numpy as np

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.errors import FileFailure
from funasr_fleet.worker.text.spans import SAMPLE_RATE
from tests.fuzz.changing_bytes import changed_file
from tests.fuzz.tally import Tally

LIMITS = Limits(audio_s=60, channels=8, decoded_mb=20)
_PIECE_MB = 8
"""A piece is a second long; FFmpeg's frames may be a little longer."""
MOST_MEMORY_MB = 500
"""Memory limit of the process; Python, NumPy and FFmpeg take about 100 MB."""


def file_of(number: int, seed: int) -> bytes:
    """The input of this number: the same in every run."""
    return changed_file(random.Random(f"file {seed} {number}"))


def decode_number(number: int, seed: int, tally: Tally) -> None:
    """Decode one input as a worker does, but from memory."""
    body, name = file_of(number, seed), f"file {number} of seed {seed}"
    before = _peak_mb()
    tally.run_input(name, lambda: _check_decoding(body), (FileFailure,))
    tally.record_memory()
    if tally.peak_mb > MOST_MEMORY_MB and tally.peak_mb > before:
        tally.findings.append(f"{name}: memory rose from {before} to {tally.peak_mb} MB")


def _check_decoding(body: bytes) -> None:
    length = 0
    for piece in decode_pieces(io.BytesIO(body), LIMITS):
        length += piece.planes.shape[1]
        assert piece.planes.nbytes <= _PIECE_MB << 20, "a piece is too large"
        assert len(piece.planes) <= LIMITS.channels, "too many channels"
        assert length <= (LIMITS.audio_s + 1) * SAMPLE_RATE, "too long"
        assert np.isfinite(piece.planes).all(), "samples that are not numbers"


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def keep_input(number: int, seed: int, directory: Path) -> Path:
    """Write an input to a file for inspection."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"seed-{seed}-file-{number}"
    path.write_bytes(file_of(number, seed))
    return path
