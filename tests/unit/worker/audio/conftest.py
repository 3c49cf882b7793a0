"""A web server, and a pool with one decoder process, for each test."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from bench.faults.killing import decoders_of
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.events import Event, Observer
from tests.support.web import WebHost, serving


@pytest.fixture
def host() -> Iterator[WebHost]:
    with serving() as running:
        yield running


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def decoder() -> Callable[[], int]:
    """Returns the process ID of the pool's decoder; other tests may have pools, too."""
    others = set(decoders_of(os.getpid()))

    def pid() -> int:
        (found,) = set(decoders_of(os.getpid())) - others
        return found

    return pid


def _recorder(events: list[Event]) -> Observer:
    def observe(event: Event) -> None:
        events.append(event)

    return observe


@pytest.fixture
def pool(decoder: Callable[[], int], events: list[Event]) -> Iterator[DecoderPool]:
    with contextlib.closing(DecoderPool(1, _recorder(events), silence_s=2.0)) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[Callable[[bytes], BinaryIO]]:
    with contextlib.ExitStack() as cleanup:

        def write(body: bytes) -> BinaryIO:
            path = tmp_path / str(len(list(tmp_path.iterdir())))
            path.write_bytes(body)
            return cleanup.enter_context(path.open("rb"))

        yield write
