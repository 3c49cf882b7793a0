"""What decoder processes write to stderr is bounded, and logged in one printable line."""

import contextlib
import os
import signal
from collections.abc import Callable
from typing import BinaryIO

import pytest

from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoder_stderr import DecoderStderr
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED
from funasr_fleet.worker.audio.decoding.selection import Selection
from funasr_fleet.worker.events import ignore
from tests.support.audio import tone, wav
from tests.support.decoding import LONG_S


def _written(fd: int, line: bytes) -> int:
    """Number of bytes that a write takes; 0 if the pipe is full."""
    try:
        return os.write(fd, line)
    except BlockingIOError:
        return 0


def test_a_full_pipe_does_not_block_the_process_that_writes() -> None:
    stderr = DecoderStderr()
    line = b"\x1b[2J\xff\0 of a hostile file\r\n"
    with contextlib.closing(stderr):
        while len(line) == (written := _written(stderr.writer, line)):
            pass
        assert written == 0
        stderr.close_writer()
        text = stderr.read()
    assert len(text) == 4000
    assert text.isprintable()
    assert text.endswith(r"|[2J\xff| of a hostile file")


def test_nothing_written_is_nothing() -> None:
    with contextlib.closing(DecoderStderr()) as stderr:
        assert stderr.read() == ""
        stderr.close_writer()
        assert stderr.read() == ""


def test_the_trace_of_a_crash_is_one_line_of_the_log(
    decoder: Callable[[], int],
    pool: DecoderPool,
    upload: Callable[[bytes], BinaryIO],
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = upload(wav(tone(LONG_S, rate=8_000), 8_000))
    blocks = pool.reserve().blocks(file, Selection(), UNLIMITED, ignore)
    next(blocks)
    os.kill(decoder(), signal.SIGSEGV)
    for _ in blocks:
        pass
    (record,) = (one for one in caplog.records if "its stderr" in one.message)
    assert "was killed by SIGSEGV; its stderr: " in record.message
    assert "Segmentation fault" in record.message
    assert len(record.message) < 4200
    assert record.message.isprintable()
