"""SIGTERM ends a command as SIGINT does: its cleanup runs, then it exits with code 130."""

import signal
import sys
from collections.abc import Callable

INTERRUPTED = 130


def run_interruptible(command: Callable[[], None]) -> None:
    """Call the command; after SIGINT or SIGTERM, exit with code 130.

    Call this before anything slow is imported: until then, SIGTERM kills the process.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(*_: object) -> None:
    # some senders repeat the signal, as coreutils' `timeout` does; that must not end the cleanup
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
