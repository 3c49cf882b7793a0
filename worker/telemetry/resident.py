"""This process's resident memory."""

import resource
import sys

import psutil


def resident_bytes(pid: int | None = None) -> int:
    """Resident set size of a process, by default this one, in bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def peak_resident_bytes() -> int:
    """The most that this process ever held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB
