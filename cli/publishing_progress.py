"""The progress line of `fleet enqueue` on a terminal."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from funasr_fleet import EnqueueResult
    from funasr_fleet.producer.result import ProgressCallback


@contextlib.contextmanager
def showing_progress() -> Iterator["ProgressCallback"]:
    """Update a line on stderr; does nothing when stderr is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("reading the sources") as status:

        def progress(result: "EnqueueResult", waiting: int | None) -> None:
            status.update(_line(result, waiting))

        yield progress


def _line(result: "EnqueueResult", waiting: int | None) -> str:
    line = f"{result.job}: {result.files:,} files found, {result.enqueued:,} enqueued"
    if result.skipped:
        line += f", {result.skipped:,} skipped"
    if waiting is not None:
        line += f"; paused until workers have consumed some of {waiting:,} queued messages"
    return line
