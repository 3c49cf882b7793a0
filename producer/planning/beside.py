"""Parts found in another process: reading ten million rows and publishing them take a core each.

The other process is this module; it is given a Search on its standard input, and says what it
finds on its standard output, pickled. It ends when nobody reads that any more.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any

from contract.s3 import S3Store
from producer.garbage import rare_collections
from producer.planning.fresh import Search, find
from producer.planning.packing import PlannedFile
from producer.planning.parts import Part, Place
from producer.refusals import HelperDied
from producer.sources.interface import BadRow


def find_beside(search: Search, bad: Callable[[BadRow], None]) -> Iterator[Part]:
    """As fresh.find, in another process, on S3; one part is made while another is published.

    Raises:
        HelperDied: that process was killed.
        Exception: whatever fresh.find raises there.
    """
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(  # noqa: S603 - this very module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as helper:
        try:
            yield from _listen(helper, search, bad)
        finally:
            helper.kill()


def _listen(
    helper: "subprocess.Popen[bytes]", search: Search, bad: Callable[[BadRow], None]
) -> Iterator[Part]:
    assert helper.stdin  # noqa: S101 - asked for above
    assert helper.stdout  # noqa: S101
    with helper.stdin as order:
        pickle.dump(search, order)
    while True:
        try:
            kind, *said = pickle.load(helper.stdout)  # noqa: S301 - what our own process says
        except EOFError:
            raise HelperDied(f"reading the sources ended with code {helper.wait()}") from None
        match kind:
            case "part":
                yield _unpacked(*said)
            case "bad":
                bad(*said)
            case "error":
                raise said[0]
            case "end":
                return


def _packed(part: Part) -> tuple[Any, ...]:
    """Lists of plain values, which are pickled ten times as fast as ten thousand objects."""
    first = part.files[0].index
    columns = zip(*((f.row, f.estimated_ms, f.size_bytes, f.done) for f in part.files), strict=True)
    return ("part", part.number, part.behind, first, *map(list, columns))


def _unpacked(number: int, behind: Place, first: int, *columns: list[Any]) -> Part:
    files = [PlannedFile(first + n, *values) for n, values in enumerate(zip(*columns, strict=True))]
    return Part(number=number, files=files, behind=behind)


def _work(orders: IO[bytes], answers: IO[bytes]) -> None:
    search: Search = pickle.load(orders)  # noqa: S301 - from our own parent

    def say(*what: Any) -> None:
        pickle.dump(what, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()

    try:
        with rare_collections():
            for part in find(search, S3Store(), lambda row: say("bad", row)):
                say(*_packed(part))
        say("end")
    except BrokenPipeError:
        return
    except Exception as error:
        error.__cause__ = error.__context__ = None
        say("error", error)


if __name__ == "__main__":
    _work(sys.stdin.buffer, sys.stdout.buffer)
