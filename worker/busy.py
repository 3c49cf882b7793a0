"""How long the models were at work, whichever threads kept them so."""

import contextlib
import threading
from collections.abc import Callable, Iterator


class BusyClock:
    """Time in which at least one thread was inside; the clock is a parameter."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0
        self._gathered = 0.0
        self.total_s = 0.0
        """Seconds that were taken."""

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Be at work."""
        with self._lock:
            if not self._inside:
                self._since = self._clock()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._gathered += self._clock() - self._since

    def take(self) -> float:
        """Seconds since the last call; work that goes on counts up to now."""
        with self._lock:
            if self._inside:
                now = self._clock()
                self._gathered, self._since = self._gathered + now - self._since, now
            seconds, self._gathered = self._gathered, 0.0
            self.total_s += seconds
            return seconds
