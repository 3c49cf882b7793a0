"""Wait for conditions, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_LOOK_EVERY_S = 0.05


def until(
    look: Callable[[], Found | None],
    deadline_s: float,
    what: str,
    explain: Callable[[], str] = lambda: "",
) -> Found:
    """What look returns once it is true.

    Args:
        look: asked again and again.
        deadline_s: how long at most.
        what: what is waited for.
        explain: says how things stand when it does not come.
    """
    give_up = time.monotonic() + deadline_s
    while not (found := look()):
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {deadline_s:.0f} s: {what}\n{explain()}")
        time.sleep(_LOOK_EVERY_S)
    return found
