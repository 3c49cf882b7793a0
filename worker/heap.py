"""Memory that was freed, given back to the machine."""

import contextlib
import ctypes


def give_back() -> None:
    """Let glibc return the pages that are free between those in use.

    Without it a child keeps the most it ever needed at once, in pieces that the next file may not
    fit: it grew by a tenth over eight files of an hour. Other C libraries have no such call.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
