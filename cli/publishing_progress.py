"""How far `fleet enqueue` has come, on a terminal."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from producer import EnqueueResult
    from producer.result import Progress


@contextlib.contextmanager
def showing_progress() -> Iterator["Progress"]:
    """A line on stderr that changes; nothing where that is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("looking at the sources") as status:

        def progress(result: "EnqueueResult", waiting: int | None) -> None:
            status.update(_line(result, waiting))

        yield progress


def _line(result: "EnqueueResult", waiting: int | None) -> str:
    line = f"{result.job}: {result.files:,} files found, {result.enqueued:,} enqueued"
    if result.skipped:
        line += f", {result.skipped:,} skipped"
    if waiting is not None:
        line += f"; waiting for workers: {waiting:,} messages are in the queue"
    return line
