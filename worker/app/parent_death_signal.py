"""Kill a child when its parent dies, for whatever reason.

Otherwise the child would continue a shard whose lease is no longer renewed, so that another worker
processes it too, and would occupy the GPU that the next worker needs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def kill_on_parent_death(parent: int) -> None:
    """Have the kernel kill this process when its parent exits. Does nothing except on Linux.

    Args:
        parent: the parent's process ID, read before the fork.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before prctl
        os.kill(os.getpid(), signal.SIGKILL)
