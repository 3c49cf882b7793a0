"""Set and reset torch's thread counts, which FunASR resets and numba's OpenMP layer raises.

Otherwise a second long file can take ten times as long as the first.
"""

import contextlib

import torch


def limit_threads(threads: int) -> None:
    """Set the number of intra-op threads, and one inter-op thread.

    More inter-op threads only multiply the pools: inference runs one operator at a time.
    """
    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # it can be set only once per process
        torch.set_num_interop_threads(1)


def hold_threads(threads: int) -> int:
    """Return torch's current thread count and reset it to the planned one."""
    current = torch.get_num_threads()
    if current != threads:
        torch.set_num_threads(threads)
    return current
