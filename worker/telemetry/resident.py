"""This process's resident memory."""

import psutil


def resident_bytes(pid: int | None = None) -> int:
    """Resident set size of a process, by default this one, in bytes."""
    return int(psutil.Process(pid).memory_info().rss)
