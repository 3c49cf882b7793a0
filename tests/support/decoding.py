"""Decodes files with a pool of decoder processes, and waits for conditions."""

import time
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from funasr_fleet.worker.audio.decoder_pool import (
    DecoderPool,
)
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED, Limits
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.events import ignore
from tests.support.audio import Planes

DEADLINE_S = 60
LONG_S = 400
"""More than the shared memory holds, so that a decoder waits for its consumer."""


def decode(
    pool: DecoderPool,
    file: BinaryIO,
    selection: Selection = Selection(),  # noqa: B008 - frozen
    limits: Limits = UNLIMITED,
    touch: Callable[[], None] = ignore,
) -> tuple[Planes, AudioFacts | None]:
    """Samples and properties of a file."""
    reservation = pool.reserve()
    blocks = list(reservation.blocks(file, selection, limits, touch))
    return np.concatenate(blocks, axis=1), reservation.facts


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true; fail after DEADLINE_S."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
