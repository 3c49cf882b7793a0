"""Limits the memory of a decoder process, and denies it files, programs and most of the network.

A file that exploits a fault in FFmpeg controls its decoder process. Landlock (Linux 5.13) then
denies paths and programs, TCP ports (Linux 6.7), and signals to other processes (Linux 6.12). The
limit on descriptors, on every Unix system, keeps FFmpeg from opening another file or a socket; code
that runs in the process could close a descriptor first, and then send UDP. It can write no file.
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


def landlock_version() -> int:
    """The version of Landlock (its ABI) that this process can use; 0 for none."""
    if landlockpy is None:
        return 0
    with contextlib.suppress(landlockpy.LandlockError, OSError):  # a container may deny the call
        return int(landlockpy.abi_version())
    return 0


def confine() -> int:
    """Apply all limits; one descriptor stays free, for the file that is being decoded.

    Call it before a thread starts: Landlock confines the calling thread and those it starts.

    Returns:
        The version of Landlock that confines the process; 0 for none.
    """
    version = landlock_version()  # opens libc
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if used := _address_space():
        most = used + _MAX_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    _limit_descriptors()
    if version:
        try:
            with landlockpy.Ruleset(scoped=~landlockpy.Scope.NONE) as nothing_allowed:
                nothing_allowed.restrict()
        except landlockpy.LandlockError:
            return 0
    return version


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
