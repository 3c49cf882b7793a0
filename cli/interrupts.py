"""SIGINT and SIGTERM end a command: its cleanup runs, then it exits with code 130."""

import signal
import sys
from collections.abc import Callable

INTERRUPTED = 130


def run_interruptible(command: Callable[[], None]) -> None:
    """Call the command; after SIGINT or SIGTERM, exit with code 130.

    Call this before slow imports: until then, SIGTERM kills the process without cleanup.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(*_: object) -> None:
    # some senders, such as coreutils' `timeout`, repeat the signal; it must not end the cleanup
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
