"""An object store that touches the heartbeat at each request; slow storage may take minutes."""

from collections.abc import Callable
from typing import Any, cast

from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.worker.process.heartbeat import Touch

_REQUEST_ALLOWANCE_S = 5.0
"""Time allowance of one request."""


def touch_on_request(store: ObjectStore, touch: Touch) -> ObjectStore:
    """Wrap the store so that `touch` is called before each request."""
    return cast(ObjectStore, HeartbeatStore(store, touch))


class HeartbeatStore:
    """Forwards every method to an object store, after a touch."""

    def __init__(self, store: ObjectStore, touch: Touch) -> None:
        self._store = store
        self._touch = touch

    def __getattr__(self, name: str) -> Callable[..., Any]:
        request: Callable[..., Any] = getattr(self._store, name)

        def touched(uri: str, *arguments: Any, **named: Any) -> Any:
            self._touch(f"{name} of {uri}", _REQUEST_ALLOWANCE_S)
            return request(uri, *arguments, **named)

        return touched
