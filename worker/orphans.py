"""A child ends with its parent, however that died.

Nobody would renew the lease of what it has in hand, so another worker would soon do the same; and
the GPU would not be free for the worker that comes after.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h."""


def end_with_parent(parent: int) -> None:
    """Have this process killed when the parent ends. Only Linux knows how.

    Args:
        parent: its process number, as it was before the fork.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request
        os.kill(os.getpid(), signal.SIGKILL)
