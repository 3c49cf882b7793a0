"""Processes as the operating system sees them: memory, SIGKILL, death of the parent."""

import contextlib
import ctypes
import os
import resource
import signal
import sys

import psutil

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def resident_bytes(pid: int | None = None) -> int:
    """Return the resident set size of a process in bytes; by default of this one."""
    return int(psutil.Process(pid).memory_info().rss)


def peak_resident_bytes() -> int:
    """Return the peak resident set size of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def trim_heap() -> None:
    """Let glibc release free pages, also those between pages in use.

    Without it, a child keeps its peak memory, fragmented so that the next file may need more:
    memory grew by a tenth over eight one-hour files. Other C libraries have no such call.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def kill(pid: int) -> None:
    """Kill a process; do nothing if it has already exited."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_on_parent_death(parent: int) -> None:
    """Have the kernel kill this process when its parent exits. Does nothing except on Linux.

    Otherwise a child would continue a shard whose lease is no longer renewed, so that another
    worker processes it too, and would occupy the GPU that the next worker needs.

    Args:
        parent: the parent's process ID, read before the fork.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before prctl
        os.kill(os.getpid(), signal.SIGKILL)
