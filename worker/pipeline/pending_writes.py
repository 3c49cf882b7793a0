"""Files whose outputs are being written in background threads."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.file_state import FileInProgress

Writing = tuple[FileInProgress, Future[FileFinished]]
"""A file whose outputs are being written."""


@dataclass
class PendingWrites:
    """Files that are being written, the oldest first. Any thread may call its methods."""

    _writes: deque[Writing] = field(default_factory=deque, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def add(self, one: Writing) -> None:
        """Add a file."""
        with self._lock:
            self._writes.append(one)

    def take_written(self) -> Writing | None:
        """Remove and return a file that is written; None if there is none."""
        with self._lock:
            return self._take(lambda writing: writing.exception() is None)

    def take_next(self, max_pending: int) -> Writing | None:
        """Remove and return a file that could not be written.

        If there is none, and more than `max_pending` files are left, return the oldest.
        """
        with self._lock:
            if failed := self._take(lambda writing: writing.exception() is not None):
                return failed
            return self._writes.popleft() if len(self._writes) > max_pending else None

    def _take(self, condition: Callable[[Future[FileFinished]], bool]) -> Writing | None:
        """The first file whose writing has ended and meets the condition."""
        one = next((one for one in self._writes if one[1].done() and condition(one[1])), None)
        if one:
            self._writes.remove(one)
        return one
