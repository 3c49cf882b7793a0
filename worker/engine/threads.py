"""torch's thread counts. They run away: FunASR resets them, numba's OpenMP layer raises them.

A second long file that takes ten times as long as the first is what this guards against.
"""

import contextlib

import torch


def limit_threads(threads: int) -> None:
    """Set the threads within an operator, and one thread between operators.

    Between operators a count above one only multiplies the pools: inference runs one at a time.
    """
    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # it can be set only once per process
        torch.set_num_interop_threads(1)


def hold_threads(threads: int) -> int:
    """Return the thread count as found, and set it back to the plan's."""
    found = torch.get_num_threads()
    if found != threads:
        torch.set_num_threads(threads)
    return found
