"""Return freed heap memory to the operating system."""

import contextlib
import ctypes


def trim_heap() -> None:
    """Let glibc release free pages, also those between pages in use.

    Without it, a child keeps its peak memory, fragmented so that the next file may need more:
    memory grew by a tenth over eight one-hour files. Other C libraries have no such call.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
