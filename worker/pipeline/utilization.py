"""Measures how long the models are in use, across threads."""

import contextlib
import threading
from collections.abc import Callable, Iterator


class UtilizationTimer:
    """Time during which at least one thread is inside the context; the clock is a parameter."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0
        self._accumulated = 0.0
        self.total_s = 0.0
        """Sum of all seconds that take() returned."""

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Count the `with` block as busy time; blocks that overlap count once."""
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
                    self._accumulated += self._clock() - self._since

    def take(self) -> float:
        """Busy seconds since the last call, including work still in progress."""
        with self._lock:
            if self._inside:
                now = self._clock()
                self._accumulated, self._since = self._accumulated + now - self._since, now
            seconds, self._accumulated = self._accumulated, 0.0
            self.total_s += seconds
            return seconds
