"""Back-pressure: at the high-water mark, publishing pauses until the low-water mark is reached."""

import time
from collections.abc import Callable
from dataclasses import dataclass

LOW_SHARE = 0.5
"""Low-water mark as a share of the high-water mark; avoids publishing in many small batches."""

_POLL_INTERVAL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class BackPressure:
    """Bounds the number of ready messages in a queue."""

    high: int
    """High-water mark: maximum of ready messages."""
    ready: Callable[[], int]
    """Returns the current number of ready messages."""
    sleep: Callable[[float], None] = time.sleep

    def room(self, stop: Callable[[], bool], waiting: Callable[[int], None]) -> int:
        """Wait until messages may be published; returns how many, possibly 0 after a stop.

        Args:
            stop: returns whether to stop waiting.
            waiting: called with the number of ready messages at each poll while waiting.
        """
        ready = self.ready()
        if ready < self.high:
            return self.high - ready
        while ready > self.high * LOW_SHARE and not stop():
            waiting(ready)
            self.sleep(_POLL_INTERVAL_S)
            ready = self.ready()
        return max(0, self.high - ready)
