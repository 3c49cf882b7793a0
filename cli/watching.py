"""Showing a job until it is over: drawn anew on a terminal, lines of what changed elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

import typer
from rich.console import Console
from rich.live import Live

from cli.status_view import console, line, view
from contract.queues import BrokerUnavailable
from producer.jobs import JobStatus

DRAW_EVERY_S = 2.0
SAY_EVERY_S = 5.0
"""A log that somebody reads later needs no more."""
PATIENCE_S = 60.0
"""Redis may be away for so long, such as when it is restarted."""


def watch_job(
    look: Callable[[], JobStatus],
    *,
    quiet: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    screen: Console | None = None,
) -> JobStatus:
    """Show the job until it is over, or nobody can tell when it is; its last status.

    Args:
        look: asks for the status of now.
        quiet: show nothing.
        sleep: waits for some seconds.
        clock: seconds from any beginning.
        screen: where it is shown.

    Raises:
        NoSuchJob: the ledger does not know the job, or knows it no more.
        BrokerUnavailable: Redis cannot be reached at first, or is away for over a minute.
    """
    screen = screen or console()
    every_s = DRAW_EVERY_S if screen.is_terminal and not quiet else SAY_EVERY_S
    found = look()
    with _shown_on(screen, quiet=quiet) as show:
        show(found)
        while not (found.counts.over or found.progress.state == "unknown"):
            sleep(every_s)
            found = _look_patiently(look, sleep, clock)
            show(found)
    return found


def _look_patiently(
    look: Callable[[], JobStatus], sleep: Callable[[float], None], clock: Callable[[], float]
) -> JobStatus:
    give_up = clock() + PATIENCE_S
    while True:
        try:
            return look()
        except BrokerUnavailable:
            if clock() >= give_up:
                raise
            sleep(DRAW_EVERY_S)


@contextlib.contextmanager
def _shown_on(screen: Console, *, quiet: bool) -> Iterator[Callable[[JobStatus], None]]:
    """How to show a status: not at all, drawn in place, or as a line whenever it says more."""
    if quiet:
        yield lambda _: None
    elif screen.is_terminal:
        with Live(console=screen, auto_refresh=False) as live:
            yield lambda status: live.update(view(status), refresh=True)
    else:
        yield _lines()


def _lines() -> Callable[[JobStatus], None]:
    said: list[tuple[object, ...]] = []

    def say(status: JobStatus) -> None:
        counts, progress = status.counts, status.progress
        new = (counts.files, counts.finished, progress.state, progress.stalled_s is None)
        if said[-1:] != [new]:
            said[:] = [new]
            typer.echo(line(status))

    return say
