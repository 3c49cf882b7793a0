"""Limits the memory of a decoder process and denies it files, programs and the network.

A file that exploits a fault in FFmpeg reaches what its decoder process can reach: one file, and the
samples that it returns. Two independent mechanisms deny everything else. The limit on descriptors
works on every Unix system: while a file is being decoded, no descriptor is left for another file
or a socket. Landlock also denies programs, and changes to files; it needs Linux 5.13.
"""

import contextlib
import os
import resource
import sys

if sys.platform == "linux":
    import landlockpy
else:
    landlockpy = None

_MAX_MEMORY_BYTES = 512 << 20
"""Address space for decoding, in addition to what the libraries take."""


def confine() -> None:
    """Apply all limits; one descriptor stays free, for the file that is being decoded.

    Call it before a thread starts: Landlock confines the calling thread and those it starts.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = _address_space() + _MAX_MEMORY_BYTES
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    _limit_descriptors()
    if landlockpy and landlockpy.supported():
        with (
            contextlib.suppress(landlockpy.LandlockError),  # a container may deny its system calls
            landlockpy.Ruleset() as nothing_allowed,
        ):
            nothing_allowed.restrict()


def _limit_descriptors() -> None:
    """Allow one more descriptor than are open now."""
    highest = max(map(int, os.listdir("/dev/fd")))
    while (filler := os.dup(0)) < highest:  # the limit is on the number: no lower one may be free
        pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (filler + 2, filler + 2))


def _address_space() -> int:
    """Size of this process's address space in bytes; 0 if the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
