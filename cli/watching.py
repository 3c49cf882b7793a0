"""Shows a job until it has ended: redrawn on a terminal, otherwise a line for each change."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live

from funasr_fleet.cli.status_view import line, view
from funasr_fleet.cli.terminal import console, say
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.producer.errors import JobLost, NoSuchJob
from funasr_fleet.producer.jobs.status import JobStatus

DRAW_EVERY_S = 2.0
LOG_EVERY_S = 5.0
"""Interval when the output is not a terminal."""
PATIENCE_S = 60.0
"""How long Redis may be unavailable, for example during a restart."""


def watch_job(
    read_status: Callable[[], JobStatus],
    *,
    quiet: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    screen: Console | None = None,
) -> JobStatus:
    """Show the job until it has ended or its state is unknown; returns the last status.

    Args:
        read_status: reads the current status.
        quiet: show nothing.
        sleep: waits for the given seconds.
        clock: monotonic time in seconds.
        screen: the console to draw on.

    Raises:
        NoSuchJob: the ledger has no such job.
        JobLost: the ledger lost the job after the first read.
        BrokerUnavailable: Redis cannot be reached at the first read, or later for over a minute.
    """
    screen = screen or console()
    every_s = DRAW_EVERY_S if screen.is_terminal and not quiet else LOG_EVERY_S
    status = read_status()
    with _shown_on(screen, quiet=quiet) as show:
        show(status)
        while not (status.counts.over or status.progress.state == "unknown"):
            sleep(every_s)
            status = _retry_read(read_status, sleep, clock)
            show(status)
    return status


def _retry_read(
    read_status: Callable[[], JobStatus], sleep: Callable[[float], None], clock: Callable[[], float]
) -> JobStatus:
    give_up = clock() + PATIENCE_S
    while True:
        try:
            return read_status()
        except BrokerUnavailable:
            if clock() >= give_up:
                raise
            sleep(DRAW_EVERY_S)
        except NoSuchJob as error:
            raise JobLost(str(error)) from None


@contextlib.contextmanager
def _shown_on(screen: Console, *, quiet: bool) -> Iterator[Callable[[JobStatus], None]]:
    """Yield a function that shows a status.

    It shows nothing if quiet. On a terminal it redraws in place; elsewhere it prints a line when
    the status has changed.
    """
    if quiet:
        yield lambda _: None
    elif screen.is_terminal:
        with Live(console=screen, auto_refresh=False) as live:
            yield lambda status: live.update(view(status), refresh=True)
    else:
        yield _lines()


def _lines() -> Callable[[JobStatus], None]:
    last: list[tuple[object, ...]] = []

    def show(status: JobStatus) -> None:
        counts, progress = status.counts, status.progress
        new = (counts.files, counts.finished, progress.state, progress.stalled_s is None)
        if last != [new]:
            last[:] = [new]
            say(line(status))

    return show
