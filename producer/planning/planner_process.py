"""Plan in a subprocess: reading ten million rows and publishing them take one CPU core each.

The subprocess runs this module. It reads a pickled DiscoveryRequest from standard input and writes
pickled messages to standard output. It exits when its standard output is closed.
"""

import contextlib
import gc
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any

from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.errors import HelperDied
from funasr_fleet.producer.planning.discover import DiscoveryRequest, discover
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.parts import Cursor, Part
from funasr_fleet.storage.s3 import S3Store

_GC_THRESHOLDS = (100_000, 50, 100)
"""Allocations before a collection, then collections before one of the next generation."""


@contextlib.contextmanager
def relaxed_gc() -> Iterator[None]:
    """Collect garbage less often: planning creates millions of values without reference cycles.

    With the default thresholds, a producer spent 20 % of its time collecting.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def plan_in_subprocess(
    search: DiscoveryRequest,
    bad: Callable[[BadRow], None],
    ignored: Callable[[dict[str, int]], None],
) -> Iterator[Part]:
    """Like discover.discover on S3, but in a subprocess, so that planning and publishing overlap.

    Raises:
        HelperDied: the subprocess exited without a result.
        Exception: any error that discover raises in the subprocess.
    """
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(  # noqa: S603 - this very module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as helper:
        try:
            yield from _receive(helper, search, {"bad": bad, "ignored": ignored})
        finally:
            helper.kill()


def _receive(
    helper: "subprocess.Popen[bytes]",
    search: DiscoveryRequest,
    callbacks: dict[str, Callable[[Any], None]],
) -> Iterator[Part]:
    assert helper.stdin  # noqa: S101 - set by stdin=PIPE
    assert helper.stdout  # noqa: S101
    with helper.stdin as stdin:
        pickle.dump(search, stdin)
    while True:
        try:
            kind, *content = pickle.load(helper.stdout)  # noqa: S301 - from our own subprocess
        except EOFError:
            raise HelperDied(
                f"the subprocess that reads the sources exited with code {helper.wait()}: "
                "run the same command again"
            ) from None
        match kind:
            case "part":
                yield _unpacked(*content)
            case "bad" | "ignored":
                callbacks[kind](*content)
            case "error":
                raise content[0]
            case "end":
                return


def _packed(part: Part) -> tuple[Any, ...]:
    """The part as lists of plain values; these pickle ten times faster than 10,000 objects."""
    first = part.files[0].index
    columns = zip(*((f.row, f.estimated_ms, f.size_bytes, f.done) for f in part.files), strict=True)
    return ("part", part.number, part.next_cursor, first, *map(list, columns))


def _unpacked(number: int, next_cursor: Cursor, first: int, *columns: list[Any]) -> Part:
    files = [PlannedFile(first + n, *values) for n, values in enumerate(zip(*columns, strict=True))]
    return Part(number=number, files=files, next_cursor=next_cursor)


def _work(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    search: DiscoveryRequest = pickle.load(stdin)  # noqa: S301 - from our own parent

    def send(*message: Any) -> None:
        pickle.dump(message, stdout, pickle.HIGHEST_PROTOCOL)
        stdout.flush()

    try:
        with relaxed_gc():
            callbacks = (partial(send, "bad"), partial(send, "ignored"))
            for part in discover(search, S3Store(), *callbacks):
                send(*_packed(part))
        send("end")
    except BrokenPipeError:
        return
    except Exception as error:
        error.__cause__ = error.__context__ = None
        send("error", error)


if __name__ == "__main__":
    _work(sys.stdin.buffer, sys.stdout.buffer)
