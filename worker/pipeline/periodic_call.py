"""Calls a function at a regular interval, in a thread, while a block of code runs."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)


@contextlib.contextmanager
def called_every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` every `seconds` during the `with` block; the last call ends before the block does.

    An error of `act` is logged and does not end the calls; a repeated error is logged once.
    """
    over = threading.Event()

    def repeat() -> None:
        logged = ""
        while not over.wait(seconds):
            try:
                act()
                logged = ""
            except Exception as error:
                if str(error) != logged:
                    log.warning("cannot report progress, retrying: %s", error)
                logged = str(error)

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
