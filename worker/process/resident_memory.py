"""Resident memory of a process."""

import resource
import sys

import psutil


def resident_bytes(pid: int | None = None) -> int:
    """Return the resident set size of a process in bytes; by default of this one."""
    return int(psutil.Process(pid).memory_info().rss)


def peak_resident_bytes() -> int:
    """Return the peak resident set size of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB
