"""An object store that calls a function before each request, for example to delete Redis keys."""

import threading
from collections.abc import Callable
from typing import cast

from funasr_fleet.storage.base import ObjectStore


class LosingStore:
    """Calls `before` with the number of the request, 0 for the first, then forwards the request.

    Requests of other threads than the main one are only forwarded, so that the number of a request
    is the same in each run.
    """

    def __init__(self, store: ObjectStore, before: Callable[[int], None]) -> None:
        self._store, self._before = store, before
        self.requests = 0

    def __getattr__(self, name: str) -> Callable[..., object]:
        request: Callable[..., object] = getattr(self._store, name)

        def forward(*arguments: object, **named: object) -> object:
            if threading.current_thread() is threading.main_thread():
                self.requests += 1
                self._before(self.requests - 1)
            return request(*arguments, **named)

        return forward


def losing(store: ObjectStore, before: Callable[[int], None]) -> ObjectStore:
    """The store with `before` called before each request of the main thread."""
    return cast(ObjectStore, LosingStore(store, before))
