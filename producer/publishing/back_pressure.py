"""How many messages may wait: above the high mark nothing is sent until few are left."""

import time
from collections.abc import Callable
from dataclasses import dataclass

LOW_SHARE = 0.5
"""Of the high mark: below it sending goes on, so that it does not stutter at the mark."""

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class BackPressure:
    """Holds a producer back."""

    high: int
    """Most messages that may wait in the queue."""
    ready: Callable[[], int]
    """Messages that wait there now."""
    sleep: Callable[[float], None] = time.sleep

    def room(self, stop: Callable[[], bool], waiting: Callable[[int], None]) -> int:
        """Wait until messages may be sent or `stop` says so; how many may be, 0 if none.

        Args:
            stop: whether to give up waiting.
            waiting: told how many messages there are, each time that there are too many.
        """
        ready = self.ready()
        if ready < self.high:
            return self.high - ready
        while ready > self.high * LOW_SHARE and not stop():
            waiting(ready)
            self.sleep(_LOOK_EVERY_S)
            ready = self.ready()
        return max(0, self.high - ready)
