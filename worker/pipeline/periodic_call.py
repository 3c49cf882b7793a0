"""Calls a function at a regular interval, in a thread, while a block of code runs."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def called_every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` every `seconds` during the `with` block; the last call ends before the block does.

    An error of `act` ends the calls. It is raised after the block, unless the block itself raises.
    """
    over, errors = threading.Event(), list[Exception]()

    def repeat() -> None:
        while not over.wait(seconds):
            try:
                act()
            except Exception as error:
                errors.append(error)
                return

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if errors:
        raise errors[0]
